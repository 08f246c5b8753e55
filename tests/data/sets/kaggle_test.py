import hashlib
import sys
import types
from pathlib import Path

import pytest

from synthmed_jax.data import records, sets
from synthmed_jax.data.sets import DATASETS, kaggle, sarscov2_ct
from synthmed_jax.errors import UserError

LAYOUTS = {
    "brain_tumor_mri": [
        f"{part}/{name}/{part[:2]}-{name}.jpg"
        for part in ("Training", "Testing")
        for name in ("glioma", "meningioma", "notumor", "pituitary")
    ],
    "leukemia": [
        f"{variant}/{name}/WBC-{name}-001.JPG"
        for variant in ("Original", "Segmented")
        for name in ("Benign", "Early", "Pre", "Pro")
    ],
    "sarscov2_ct": ["COVID/Covid (1).png", "non-COVID/Non-Covid (1).PNG"],
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("below", ["", "own", "kaggle"])
def test_kaggle_layouts_are_found_and_stored_as_they_are(
    tmp_path, settings, make_images, name, below
):
    folders = DATASETS[name].FOLDER_NAMES
    root = tmp_path / {"": "anything", "own": folders[0], "kaggle": f"data/{folders[1]}"}[below]
    make_images(root, *LAYOUTS[name])
    given = root if not below else root.parent
    stored = records.open_records(settings(name=name, dir=str(given)))
    files = [file for file in LAYOUTS[name] if not file.startswith("Segmented")]
    assert [record.file for record in stored] == sorted(files)
    assert list(stored.class_names) == sorted(stored.class_names)
    for record in stored:
        assert record.content == (root / record.file).read_bytes()
        assert record.sha256 == hashlib.sha256(record.content).hexdigest()
        assert stored.class_names[record.label] == Path(record.file).parent.name


def test_variant_chooses_the_folder(tmp_path, settings, make_images):
    make_images(tmp_path, *LAYOUTS["leukemia"])
    opened = [
        records.open_records(settings(name="leukemia", dir=str(tmp_path), variant=variant))
        for variant in ("Original", "Segmented")
    ]
    assert opened[0][0].file.startswith("Original/")
    assert opened[1][0].file.startswith("Segmented/")
    assert opened[0].data_hash != opened[1].data_hash


@pytest.mark.parametrize("name", LAYOUTS)
def test_missing_data_says_how_to_get_it(tmp_path, settings, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    monkeypatch.setattr(kaggle.importlib.util, "find_spec", lambda name: None)
    builder = DATASETS[name]
    (tmp_path / "empty").mkdir()
    for given in ("", str(tmp_path / "nowhere"), str(tmp_path / "empty")):
        with pytest.raises(UserError) as error:
            records.open_records(settings(name=name, dir=given))
        message = str(error.value)
        assert builder.CITATION in message
        assert builder.HOMEPAGE in message
        assert f"kaggle datasets download {builder.KAGGLE}" in message
        for folders in builder.class_folders("Original").values():
            assert all(f"{folder}/*.jpg" in message for folder in folders)


@pytest.mark.parametrize("field", ["table", "columns", "classes", "parts", "exclude"])
def test_what_says_which_files_are_images_is_for_folders(settings, field):
    with pytest.raises(
        UserError, match=rf"config\.data\.{field} is for --config\.data\.name=folder"
    ):
        sets.check_settings(settings(name="leukemia", **{field: "x"}))


def test_what_is_no_image_is_left_out_by_class(tmp_path, settings, make_images):
    make_images(tmp_path, *LAYOUTS["sarscov2_ct"], "COVID/@eaDir/thumb.jpg")
    (tmp_path / "non-COVID/notes.txt").touch()
    source = sarscov2_ct.Sarscov2Ct.make_source(settings(name="sarscov2_ct", dir=str(tmp_path)))
    assert [image.file for image in source.files] == sorted(LAYOUTS["sarscov2_ct"])
    assert [(entry.file, entry.class_name) for entry in source.left_out] == [
        ("COVID/@eaDir/thumb.jpg", "COVID"),
        ("non-COVID/notes.txt", "non-COVID"),
    ]
    assert source.key == source.content_hash


def fake_kagglehub(monkeypatch, download) -> None:
    module = types.SimpleNamespace(dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setattr(kaggle.importlib.util, "find_spec", lambda name: module)


def test_kagglehub_fetches_what_is_missing(tmp_path, settings, make_images, monkeypatch):
    make_images(tmp_path / "hub", *LAYOUTS["sarscov2_ct"])
    asked = []
    fake_kagglehub(monkeypatch, lambda name: asked.append(name) or str(tmp_path / "hub"))
    stored = records.open_records(settings(name="sarscov2_ct", dir=str(tmp_path / "missing")))
    assert asked == ["plameneduardo/sarscov2-ctscan-dataset"]
    assert len(stored) == 2


def test_kagglehub_never_replaces_a_folder_of_the_user(tmp_path, settings, monkeypatch):
    fake_kagglehub(monkeypatch, lambda name: pytest.fail("downloaded"))
    with pytest.raises(UserError, match="holds no sarscov2_ct data"):
        records.open_records(settings(name="sarscov2_ct", dir=str(tmp_path)))


def test_failed_download_says_why_and_how(settings, monkeypatch):
    def refuse(name):
        raise PermissionError("no credentials")

    fake_kagglehub(monkeypatch, refuse)
    with pytest.raises(UserError, match=r"no credentials(.|\n)*kaggle datasets download"):
        records.open_records(settings(name="leukemia"))
