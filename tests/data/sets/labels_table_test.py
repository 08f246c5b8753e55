import collections
import os

import pytest

from synthmed_jax.data import records
from synthmed_jax.data.sets import folder
from synthmed_jax.data.sets.listing import ImageFile
from synthmed_jax.errors import UserError

HAM = "lesion_id,image_id,dx,dx_type,age\nL1,I1,nv,histo,50\nL1,I2,nv,histo,50\nL2,I3,mel,x,40\n"


@pytest.fixture
def ham(tmp_path, make_images):
    """The layout of HAM10000: folders by download, labels and lesions in a table."""
    make_images(tmp_path, "HAM_images_part_1/I1.jpg", "HAM_images_part_1/I2.jpg")
    make_images(tmp_path, "HAM_images_part_2/I3.jpg", "HAM_images_part_2/I4.jpg", seed=1)
    (tmp_path / "metadata.csv").write_text(HAM)
    return tmp_path


def listed(settings, root, **fields):
    return folder.list_files(settings(dir=str(root), **fields))


def test_the_refusal_of_folders_names_the_table(ham, settings, capsys):
    with pytest.raises(UserError, match=r"part_1, HAM_images_part_2 \(by name a part") as error:
        listed(settings, ham)
    table = str(error.value).split("--config.data.table=")[1].split(" ")[0]
    found = listed(settings, ham, table=table)
    assert found.class_names == ("mel", "nv")
    assert found.files == [
        ImageFile("HAM_images_part_1/I1.jpg", 1),
        ImageFile("HAM_images_part_1/I2.jpg", 1),
        ImageFile("HAM_images_part_2/I3.jpg", 0),
    ]
    assert found.patients == {
        "HAM_images_part_1/I1.jpg": "L1",
        "HAM_images_part_1/I2.jpg": "L1",
        "HAM_images_part_2/I3.jpg": "L2",
    }
    assert [(e.file, e.reason) for e in found.left_out] == [
        ("HAM_images_part_2/I4.jpg", "no row in metadata.csv")
    ]
    said = capsys.readouterr().out
    assert said == f"{table}: columns file=image_id, label=dx, patient=lesion_id\n"


def test_the_table_is_looked_for_here_and_then_below_the_data(ham, settings, monkeypatch, tmp_path):
    assert len(listed(settings, ham, table="metadata.csv").files) == 3
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "metadata.csv").write_text("file,label\nI1,a\nI4,b\n")
    monkeypatch.chdir(elsewhere)
    assert listed(settings, ham, table="metadata.csv").class_names == ("a", "b")
    with pytest.raises(UserError, match=r"config\.data\.table='nowhere\.csv' can't be read"):
        listed(settings, ham, table="nowhere.csv")


def test_a_flat_folder_beside_its_table(tmp_path, make_images, settings):
    make_images(tmp_path, "1.png", "2.png")
    (tmp_path / "labels.csv").write_text("name;grade\n1;0\n2;1\n")
    with pytest.raises(UserError, match=r"found: none\. A table of labels lies there") as error:
        listed(settings, tmp_path)
    assert "--config.data.columns=file=name,label=... (label: one of grade) takes" in str(
        error.value
    )
    found = listed(settings, tmp_path, table="labels.csv", columns="file=name,label=grade")
    assert found.class_names == ("0", "1")  # numbers are names too
    assert found.patients is None


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("image,diagnosis,target\nI1,a,0\nI2,b,1\n", "",
         r"diagnosis, target may all be the label\. Say .*data\.columns=file=image,label=\.\.\. "
         r"\(label: one of diagnosis, target\)\. .*diagnosis \(2 values: a, b\)"),
        ("image,path,label\nI1,I1.jpg,0\nI2,I2.jpg,1\n", "",
         "image, path may all be the images' n"),
        ("x,label\nQ1,a\nQ2,b\n", "", "no column has cells that fit the images' names"),
        ("file,label\nQ1,a\nQ2,b\nQ3,b\nQ4,b\n", "",
         r"no row of .* Q1 \(line 2\), Q2 \(line 3\), Q3 \(line 4\) and 1 more; "
         r".*are HAM_.*I1\.jpg, "),
        (HAM, "file=image",
         r"config\.data\.columns='image' is not one of.*did you mean 'image_id'"),
        (HAM, "label=dx,label=age",
         r"labels\.csv line 2: nv in column dx, which is one of several columns of labels"),
        ("image,a,b\nI1,1,0\nI2,1,1\n", "",
         r"a 1 in exactly one, .* 1 row does not: line 3 \(a, b"),
        ("file,label\n", "", r"labels\.csv has headings \(file, label\) and no rows"),
        ("file,label\nI1,a\nI2,b\nI3,c/d\n", "", r"take the others: --config\.data\.classes=a,b"),
        (HAM, "label=dx,patient=dx", "names dx twice"),
        (HAM, "name=image_id", "'name=image_id' must be file=..., label=... or patient=..."),
        ("file,label\nI1,a\nI2,b/c\n", "", "the label 'b/c' can't be the name of a class"),
        ("file,label\nI1,a\nI2,..\n", "", "the label '..' can't be"),
        ('file,label\nI1,a\nI2,"b\nc"\n', "", r"the label 'b\\nc' can't be"),
        ("file,label\nI1,a\nI2,b\x1bc\n", "", r"the label 'b\\x1bc' can't be"),
        ("file,label\nI1,a\nI2," + 128 * "ä", "", "the label 'ä.* at most 255 bytes"),
        ("file,label\nI1,a\nI2,\n", "", r"no label \(empty\) in column label .* line 3"),
        ("file,label\nI1,a\nI2,b\nI1.jpg,b\n", "", r"several labels: a \(line 2\), b \(line 4\)"),
        ("file,label\nI1,a\nI2,a\n", "", "at least two classes are needed; .* has only a"),
        ("file,label,patient\nI1,a,p\nI2,b,nan\n", "", r"no patient \(nan\) .* line 3"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(ham, settings, text, columns, message):
    (ham / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        listed(settings, ham, table=str(ham / "labels.csv"), columns=columns)


def test_a_link_into_nowhere_that_is_called_as_the_table(ham, settings):
    (ham / "HAM_images_part_1" / "metadata.csv").symlink_to(ham / "gone.csv")
    found = listed(settings, ham, table="metadata.csv")
    assert {entry.file for entry in found.left_out} == {
        "HAM_images_part_1/metadata.csv",
        "HAM_images_part_2/I4.jpg",
    }


def test_labels_may_have_letters_that_do_not_print(ham, settings):
    # A joiner, without which Hindi words are misspelt, and a blank that breaks no line.
    (ham / "labels.csv").write_text("file,label\nI1,क्\u200dष\nI2,a\xa0b\n", encoding="utf-8")
    assert listed(settings, ham, table="labels.csv").class_names == ("a\xa0b", "क्\u200dष")


def test_classes_that_are_one_but_for_case(ham, settings):
    (ham / "labels.csv").write_text("file,label\nI1,nv\nI2,NV\nI3,mel\n")
    data = settings(dir=str(ham), table="labels.csv")
    with pytest.raises(UserError, match=r"'NV' and 'nv' are the same but for .* in the table"):
        folder.Folder.make_source(data)
    only = settings(dir=str(ham), table="labels.csv", classes="nv,mel")
    assert folder.Folder.make_source(only).class_names == ("mel", "nv")


def test_rows_without_images_and_rows_that_repeat_are_said_and_fine(ham, settings, capsys):
    text = "file,label\nI1,a\nI1.jpg,a\nI3,b\ngone,b\n"  # RSNA has a row per finding
    (ham / "labels.tsv").write_text(text.replace(",", "\t"))
    found = listed(settings, ham, table="labels.tsv")
    assert len(found.files) == 2
    assert "no image for 1 row: gone (line 5)" in capsys.readouterr().out
    assert collections.Counter(e.reason for e in found.left_out) == {
        "no row in labels.tsv": 2,
        "no image by its ending (.csv)": 1,
    }


def test_wanted_classes_and_exclusions_hold_for_tables(ham, settings):
    (ham / "all.csv").write_text("file,label\nI1,a\nI2,b\nI3,c\nI4,c\n")
    found = listed(settings, ham, table="all.csv", classes="a,c", exclude="I4.*")
    assert [image.file[-6:] for image in found.files] == ["I1.jpg", "I3.jpg"]
    assert found.class_names == ("a", "c")
    assert {e.reason for e in found.left_out} == {
        "matches data.exclude",
        "not among data.classes",
        "no image by its ending (.csv)",
    }
    with pytest.raises(UserError, match=r"config\.data\.classes='d' is not one of a, b, c"):
        listed(settings, ham, table="all.csv", classes="a,d")


def test_another_label_gives_another_prepared_copy(ham, settings):
    data = settings(dir=str(ham), table="metadata.csv")
    before = folder.Folder.make_source(data)
    assert before.key != before.content_hash
    assert before.patients
    first = [(r.file, r.label) for r in records.open_records(data)]
    (ham / "metadata.csv").write_text(HAM.replace("I2,nv", "I2,mel"))
    after = folder.Folder.make_source(data)
    assert after.content_hash == before.content_hash
    assert after.key != before.key
    second = [(r.file, r.label) for r in records.open_records(data)]
    assert [label for _, label in first] == [1, 1, 0]
    assert [label for _, label in second] == [1, 0, 0]
    assert os.path.basename(second[0][0]) == "I1.jpg"


def test_a_column_for_each_class(ham, settings, capsys):
    text = "image,MEL,NV\nI1,1.0,0.0\nI2,0.0,1.0\nI3,0.0,1.0\nI4,1.0,0.0\n"
    (ham / "truth.csv").write_text(text)
    (ham / "metadata.csv").unlink()
    with pytest.raises(UserError, match=r"--config\.data\.table=\S*truth\.csv takes the labels"):
        listed(settings, ham)
    found = listed(settings, ham, table="truth.csv")
    assert found.class_names == ("MEL", "NV")
    assert [image.label for image in found.files] == [0, 1, 1, 0]
    assert "columns file=image, label=MEL, NV (the one with a 1)" in capsys.readouterr().out


def test_labels_of_several_findings(ham, settings):
    text = "file,label\nI1,Mass\nI2,Mass|Hernia\nI3,Hernia\nI4,Mass|Edema\n"
    (ham / "nih.csv").write_text(text)
    with pytest.raises(UserError, match=r"2 labels of several findings, as Mass\|Edema") as error:
        listed(settings, ham, table="nih.csv")
    assert "--config.data.classes=Hernia,Mass takes" in str(error.value)
    assert "leaves out 2 images" in str(error.value)
    found = listed(settings, ham, table="nih.csv", classes="Hernia,Mass")
    assert len(found.files) == 2
    # Who names them wants them.
    found = listed(settings, ham, table="nih.csv", classes="Mass|Hernia,Mass")
    assert found.class_names == ("Mass", "Mass|Hernia")
    # Where no finding stands alone beside another, "|" is a letter like others.
    (ham / "odd.csv").write_text("file,label\nI1,T1|fat\nI2,T2|fat\n")
    assert listed(settings, ham, table="odd.csv").class_names == ("T1|fat", "T2|fat")


def test_classes_that_are_not_wanted_need_no_names_of_folders(ham, settings):
    (ham / "slash.csv").write_text("file,label\nI1,a\nI2,b\nI3,c/d\n")
    assert listed(settings, ham, table="slash.csv", classes="a,b").class_names == ("a", "b")


def test_a_class_with_a_comma_can_be_named(ham, settings):
    (ham / "comma.csv").write_text('file,label\nI1,a\nI2,"b, c"\nI3,d\n')
    found = listed(settings, ham, table="comma.csv", classes='a,"b, c"')
    assert found.class_names == ("a", "b, c")
