import collections
import os
import re

import pytest
from PIL import Image

from synthmed_jax.data.sets import folder
from synthmed_jax.data.sets.listing import LINK_UP, ImageFile, LeftOut, hash_files
from synthmed_jax.errors import UserError


@pytest.fixture
def list_files(settings):
    """Lists a folder: list_files(root, parts="train,test") gives what `folder.list_files` does."""
    return lambda root, **fields: folder.list_files(settings(dir=str(root), **fields))


def reasons(listed) -> dict[str, int]:
    return dict(collections.Counter(entry.reason for entry in listed.left_out))


def flag_in(message: str, field: str) -> str:
    """The first value that a message gives for a field, as a shell would hand it on."""
    match = re.search(rf"--config\.data\.{field}=(?:'([^']*)'|(\S+))", message)
    assert match, message
    return match[1] if match[1] is not None else match[2]


def test_first_level_is_the_class_and_images_may_lie_deeper(tmp_path, make_images, list_files):
    make_images(tmp_path, "b/2.JPG", "b/p1/left/1.png", "B2/1.tif", "a/x.bmp", "loose.png")
    (tmp_path / "a/notes.txt").write_text("no image")
    listed = list_files(tmp_path)
    names, files = listed.class_names, listed.files
    assert names == ("B2", "a", "b")
    assert files == [
        ImageFile("B2/1.tif", 0),
        ImageFile("a/x.bmp", 1),
        ImageFile("b/2.JPG", 2),
        ImageFile("b/p1/left/1.png", 2),
    ]
    assert listed.left_out == [
        LeftOut("loose.png", "", "lies beside the class folders"),
        LeftOut("a/notes.txt", "a", "no image by its ending (.txt)"),
    ]


def test_files_that_are_no_images_are_left_out_by_class(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png")
    assert list_files(tmp_path).left_out == []
    for file in ("a/1.xyz", "a/2.xyz", "b/notes.txt", "b/.hidden"):
        (tmp_path / file).write_bytes(b"no image")
    assert [
        (entry.file, entry.class_name, entry.reason) for entry in list_files(tmp_path).left_out
    ] == [
        ("a/1.xyz", "a", "no image by its ending (.xyz)"),
        ("a/2.xyz", "a", "no image by its ending (.xyz)"),
        ("b/notes.txt", "b", "no image by its ending (.txt)"),
    ]
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(
        UserError, match=r"class folder\(s\) a of .* 2 no image by its ending \(\.xyz\)"
    ) as error:
        list_files(tmp_path)
    assert ".txt" not in str(error.value)  # of another class


def test_hidden_files_are_ignored(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png", ".c/1.png", "a/.thumbs/1.png", "__MACOSX/a/1.png")
    (tmp_path / "a/._1.png").write_bytes(b"resource fork")
    listed = list_files(tmp_path)
    names, files = listed.class_names, listed.files
    assert names == ("a", "b")
    assert [file.file for file in files] == ["a/1.png", "b/1.png"]


def test_links_are_followed_but_not_for_ever(tmp_path, make_images, list_files):
    make_images(tmp_path / "store", "1.png")
    make_images(tmp_path / "root", "a/1.png")
    (tmp_path / "root/b").symlink_to(tmp_path / "store")
    (tmp_path / "root/a/up").symlink_to(tmp_path / "root")
    listed = list_files(tmp_path / "root")
    assert [file for file, _ in listed.files] == ["a/1.png", "b/1.png"]
    assert listed.left_out == [LeftOut("a/up", "a", LINK_UP)]


def test_a_class_folder_that_is_a_link_to_a_folder_above_is_none(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "c").symlink_to(tmp_path)
    listed = list_files(tmp_path)
    assert listed.class_names == ("a", "b")
    assert listed.left_out == [LeftOut("c", "", LINK_UP)]


def test_a_class_that_is_a_link_to_another(tmp_path, make_images, list_files):
    make_images(tmp_path, "b/1.png", "c/1.png")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    with pytest.raises(UserError, match="classes 'b' and 'a' are one folder") as refusal:
        list_files(tmp_path)
    assert str(refusal.value).endswith("name the classes, --config.data.classes=b,c")
    listed = list_files(tmp_path, classes="b,c")
    assert [file for file, _ in listed.files] == ["b/1.png", "c/1.png"]
    listed = list_files(tmp_path, classes="a,c")  # the link may be the name that is right
    assert [file for file, _ in listed.files] == ["a/1.png", "c/1.png"]


def test_a_class_that_is_in_two_parts_by_a_link_is_read_once(tmp_path, make_images, list_files):
    make_images(tmp_path, "train/a/1.png", "train/b/1.png", "val/b/2.png")
    (tmp_path / "val/a").symlink_to(tmp_path / "train/a")
    listed = list_files(tmp_path, parts="train,val")
    assert [file for file, _ in listed.files] == ["train/a/1.png", "train/b/1.png", "val/b/2.png"]
    assert listed.left_out == [LeftOut("val/a", "", LINK_UP)]


def test_images_that_links_fetch_from_elsewhere_are_said(tmp_path, make_images, settings, capsys):
    make_images(tmp_path / "store", "1.png", "2.png", seed=1)
    make_images(tmp_path / "set", "a/1.png")
    (tmp_path / "set/b").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "set/b" / name).symlink_to(tmp_path / "store" / name)
    source = folder.Folder.make_source(settings(dir=str(tmp_path / "set")))
    assert [file for file, _ in source.files] == ["a/1.png", "b/1.png", "b/2.png"]
    assert capsys.readouterr().out == (
        f"{tmp_path}/set: links lead out of it for 2 images, as b/1.png -> {tmp_path}/store/1.png\n"
    )


def test_a_link_into_nowhere_is_named(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b/2.png").symlink_to(tmp_path / "not_fetched")
    files = list_files(tmp_path).files
    with pytest.raises(UserError, match=r"b/2\.png can't be read \(No such file"):
        hash_files(tmp_path, files)


@pytest.mark.parametrize("name", ["manifest.csv", "all classes", "cr\rcr"])
def test_a_class_whose_name_would_be_in_the_way_later(tmp_path, make_images, list_files, name):
    make_images(tmp_path, "a/1.png", f"{name}/1.png")
    with pytest.raises(
        UserError, match=r"the folder .* can't be the name of a class .*: rename it"
    ):
        list_files(tmp_path)
    make_images(tmp_path, "b/1.png")
    assert list_files(tmp_path, classes="a,b").class_names == ("a", "b")


def test_a_class_whose_name_is_no_text(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b").rename(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"))
    with pytest.raises(UserError, match=r"name that is no UTF-8; rename it"):
        list_files(tmp_path)


def test_what_is_no_tree_of_classes(tmp_path, make_images, list_files):
    with pytest.raises(UserError, match="is no folder"):
        list_files(tmp_path / "nowhere")
    make_images(tmp_path, "1.png", "only/1.png")
    with pytest.raises(UserError, match=r"at least two class folders.*found: only"):
        list_files(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"class folder\(s\) empty"):
        list_files(tmp_path)


# Layouts as people have them -> the flag that the refusal gives, and the classes that it leads to.
REFUSED = {
    "parts": (
        ["Train/a/1.png", "Train/b/1.png", "test/a/2.png", "test/b/2.png"],
        "parts", "Train,test", "a b",
    ),
    "parts and a stranger": (
        ["Train/a/1.png", "Train/b/1.png", "test/a/2.png", "tumour/1.png"],
        "parts", "Train,test", "a b",
    ),
    "chest-xray as unpacked": (
        [f"{top}{part}/{name}/{part}1.png" for top in ("", "chest_xray/")
         for part in ("train", "test", "val") for name in ("NORMAL", "PNEUMONIA")]
        + ["__MACOSX/x.png"],
        "parts", "train,test,val", "NORMAL PNEUMONIA",
    ),
    "folds": (
        [f"fold{k}/{name}/{k}.png" for k in (1, 2, 3) for name in "ab"],
        "parts", "fold1,fold2,fold3", "a b",
    ),
    "sites": (
        [f"site{k}/{name}/{k}.png" for k in "AB" for name in ("ill", "well")],
        "parts", "siteA,siteB", "ill well",
    ),
    "masks beside classes": (
        ["benign/1.png", "malignant/2.png", "masks/1.png"],
        "classes", "benign,malignant", "benign malignant",
    ),
    "copies": (
        ["COVID/1.png", "normal/2.png", "augmented/3.png"],
        "classes", "COVID,normal", "COVID normal",
    ),
    "predictions": (["yes/1.png", "no/2.png", "pred/3.png"], "classes", "no,yes", "no yes"),
    "a NAS": (["a/1.png", "b/2.png", "@eaDir/a/SYNO.jpg"], "classes", "a,b", "a b"),
    "a disk": (["a b/1.png", "c/2.png", "lost+found/x.txt"], "classes", "a b,c", "a b c"),
    "annotations": (["a/1.png", "b/2.png", "annotations/1.xml"], "classes", "a,b", "a b"),
    "masks within classes": (
        [f"{name}/{kind}/{name}{k}.png" for name in ("COVID", "Normal")
         for kind in ("images", "masks") for k in "12"],
        "exclude", "*/masks/*", "COVID Normal",
    ),
    "masks that pair up with nothing": (
        [f"{name}/{kind}/{kind}{name}.png" for name in "ab" for kind in ("images", "masks")],
        "exclude", "*/masks/*", "a b",
    ),
    "copies within classes": (
        [f"{name}/{kind}/{kind}{name}.png" for name in "ab" for kind in ("original", "aug")],
        "exclude", "*/aug/*", "a b",
    ),
    "domains": (["trainA/1.png", "trainB/2.png"], "classes", "trainA,trainB", "trainA trainB"),
    "images and labels": (["image/1.png", "label/2.png"], "classes", "image,label", "image label"),
    "nnU-Net": (["imagesTr/1.png", "labelsTr/2.png"], "classes", "imagesTr,labelsTr", None),
    "one part, and a wrapper": (["train/1.png", "images/2.png"], "classes", "images,train", None),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_one_refusal_is_enough_to_go_on(tmp_path, list_files, case):
    files, field, value, classes = REFUSED[case]
    for k, file in enumerate(files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        if file.endswith(("png", "jpg")):
            Image.new("L", (2, 2), k).save(tmp_path / file)
        else:
            (tmp_path / file).touch()
    with pytest.raises(UserError) as error:
        list_files(tmp_path)
    assert flag_in(str(error.value), field) == value
    listed = list_files(tmp_path, **{field: value})
    if classes:
        names = ["a b", "c"] if case == "a disk" else classes.split()
        assert list(listed.class_names) == names
    assert len(listed.files) >= 2


ACCEPTED = {
    "parts within classes": ["a/train/1.png", "a/test/1.png", "b/train/1.png", "b/test/1.png"],
    "images within classes": ["a/images/1.png", "b/images/1.png"],
    "patients of their own": ["a/p1/1.png", "a/p2/1.png", "b/p3/1.png", "b/p4/1.png"],
    "images beside folders": [
        "a/1.png",
        "a/l/1.png",
        "a/r/1.png",
        "b/1.png",
        "b/l/1.png",
        "b/r/1.png",
    ],
    "labels as words": ["with_mask/1.png", "without_mask/1.png"],
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_classes_may_have_folders(tmp_path, make_images, list_files, case):
    make_images(tmp_path, *ACCEPTED[case])
    listed = list_files(tmp_path)
    assert [image.file for image in listed.files] == sorted(ACCEPTED[case])
    assert listed.left_out == []


def test_the_same_folders_in_all_classes_may_be_wanted(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/p1/1.png", "a/p2/1.png", "b/p1/1.png", "b/p2/1.png")
    with pytest.raises(UserError, match="all hold the same folders, p1, p2") as error:
        list_files(tmp_path)
    message = str(error.value)
    assert flag_in(message, "parts") == "a,b"
    assert list_files(tmp_path, classes=flag_in(message, "classes")).class_names == ("a", "b")


def test_masks_may_be_images(tmp_path, make_images, list_files):
    make_images(tmp_path, *(f"{c}/{k}/1.png" for c in "ab" for k in ("images", "masks")))
    assert len(list_files(tmp_path, keep_masks=True).files) == 4


def test_the_only_folder_is_opened(tmp_path, make_images, list_files, capsys):
    make_images(tmp_path, "archive/a/1.png", "archive/b/1.png", "__MACOSX/x/1.png", ".git/y/1.png")
    listed = list_files(tmp_path)
    assert listed.root == tmp_path / "archive"
    assert [image.file for image in listed.files] == ["a/1.png", "b/1.png"]
    assert "holds one folder, archive" in capsys.readouterr().out
    make_images(tmp_path, "beside.png")
    with pytest.raises(UserError, match=r"at least two class folders.*found: archive"):
        list_files(tmp_path)


def test_wanted_classes(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "b/1.png", "mask/1.png", "mask/2.png", "train/1.png")
    listed = list_files(tmp_path, classes="train, a")
    assert listed.class_names == ("a", "train")
    assert reasons(listed) == {"not among data.classes": 3}
    assert not listed.labels_in_key
    with pytest.raises(
        UserError, match=r"config\.data\.classes='A' is not one of a, b, mask, train"
    ):
        list_files(tmp_path, classes="A,b")
    with pytest.raises(
        UserError, match=r"found: a, b, mask, train, of which data\.classes wants a$"
    ):
        list_files(tmp_path, classes="a")


def test_parts_are_taken_together(tmp_path, make_images, list_files, capsys):
    make_images(
        tmp_path, "train/a/1.png", "train/b/1.png", "test/b/1.png", "test/c/2.png",
        "old/a/1.png", "top.png", "train/loose.png", "train/@eaDir/1.png",
    )  # fmt: skip
    listed = list_files(tmp_path, parts="train,test")
    assert listed.class_names == ("a", "b", "c")
    assert listed.files == [
        ImageFile("test/b/1.png", 1),
        ImageFile("test/c/2.png", 2),
        ImageFile("train/a/1.png", 0),
        ImageFile("train/b/1.png", 1),
    ]
    assert listed.labels_in_key
    assert reasons(listed) == {"lies beside the class folders": 2, "not in data.parts": 1}
    assert "old is not among data.parts: left out, 1 image" in capsys.readouterr().out
    wanted = list_files(tmp_path, parts="train,test", classes="b,c")
    assert [image.file for image in wanted.files] == [
        "test/b/1.png",
        "test/c/2.png",
        "train/b/1.png",
    ]
    with pytest.raises(UserError, match="is not one of old, test, train"):
        list_files(tmp_path, parts="train,val")
    make_images(tmp_path, "train/masks/1.png")
    with pytest.raises(UserError, match=r"masks \(by name masks or labels\).*data\.classes=a,b,c"):
        list_files(tmp_path, parts="train,test")


def test_files_can_be_excluded(tmp_path, make_images, list_files, capsys):
    make_images(tmp_path, "a/1.png", "a/1_mask.png", "b/1.png", "b/1_mask.png", "tmp/1_mask.png")
    make_images(tmp_path, "cover.png")
    (tmp_path / "tmp" / "notes.txt").touch()
    listed = list_files(tmp_path, exclude="*_mask*,cover.png")
    assert listed.class_names == ("a", "b")
    assert [image.file for image in listed.files] == ["a/1.png", "b/1.png"]
    assert sorted((e.file, e.class_name) for e in listed.left_out) == [
        ("a/1_mask.png", "a"),
        ("b/1_mask.png", "b"),
        ("cover.png", ""),
        ("tmp/1_mask.png", ""),
        ("tmp/notes.txt", ""),
    ]
    assert reasons(listed) == {"matches data.exclude": 4, "no image by its ending (.txt)": 1}
    assert "tmp: all images match data.exclude" in capsys.readouterr().out
    with pytest.raises(UserError, match="matches no file"):
        list_files(tmp_path, exclude="*_seg*")


def test_thumbnails_of_a_nas_are_no_images(tmp_path, make_images, list_files):
    make_images(tmp_path, "a/1.png", "a/@eaDir/1.png/SYNO_L.jpg", "b/1.png", "b/p/thumbnails/1.png")
    listed = list_files(tmp_path)
    assert [image.file for image in listed.files] == ["a/1.png", "b/1.png"]
    assert reasons(listed) == {
        "in a folder of the system (@eaDir)": 1,
        "in a folder of the system (thumbnails)": 1,
    }


def test_fields_that_exclude_or_need_each_other(settings):
    with pytest.raises(UserError, match=r"config\.data\.parts .* config\.data\.table"):
        folder.Folder.check_settings(settings(parts="a", table="b.csv"))
    with pytest.raises(UserError, match=r"config\.data\.columns"):
        folder.Folder.check_settings(settings(columns="file=a"))
    with pytest.raises(UserError, match=r"keep_masks .* config\.data\.table"):
        folder.Folder.check_settings(settings(keep_masks=True, table="b.csv"))


def test_a_prepared_copy_is_named_after_labels_that_no_path_tells(tmp_path, make_images, settings):
    make_images(tmp_path, "x/train/1.png", "x/test/2.png", seed=3)
    plain = folder.Folder.make_source(settings(dir=str(tmp_path), classes="train,test"))
    assert plain.key == plain.content_hash
    parts = folder.Folder.make_source(settings(dir=str(tmp_path), parts="x", classes="train,test"))
    assert parts.content_hash != parts.key
