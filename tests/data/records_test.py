import hashlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

from synthmed_jax.data import records
from synthmed_jax.data.sets import DATASETS, builders, folder, phantom_drawing
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
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: None)
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


def fake_kagglehub(monkeypatch, download) -> None:
    module = types.SimpleNamespace(dataset_download=download)
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: module)


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


def test_changed_folder_is_not_served_stale(tmp_path, settings, make_images):
    root = tmp_path / "mine"
    make_images(root, "a/1.png", "b/1.png")
    data = settings(dir=str(root))
    before = records.open_records(data)
    make_images(root, "a/1.png", seed=1)
    changed = records.open_records(data)
    assert changed.data_hash != before.data_hash
    assert changed[0].content == (root / "a/1.png").read_bytes()
    make_images(root, "b/2.png")
    assert len(records.open_records(data)) == 3
    (root / "b/2.png").rename(root / "b/3.png")
    assert records.open_records(data)[2].file == "b/3.png"


def test_unchanged_folder_is_prepared_once(tmp_path, settings, make_images, monkeypatch):
    make_images(tmp_path / "mine", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "mine"))
    first = records.open_records(data)
    monkeypatch.setattr(
        folder.Folder, "_generate_examples", lambda self: pytest.fail("prepared again")
    )
    again = records.open_records(data)
    assert again.data_hash == first.data_hash
    assert list(again) == list(first)


def test_killed_preparation_is_not_served(tmp_path, settings, make_images, monkeypatch):
    make_images(tmp_path / "mine", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "mine"))

    def die(self):
        yield next(whole(self))
        raise KeyboardInterrupt

    whole = folder.Folder._records
    with monkeypatch.context() as patch:
        patch.setattr(folder.Folder, "_records", die)
        with pytest.raises(KeyboardInterrupt):
            records.open_records(data)
    assert [record.file for record in records.open_records(data)] == ["a/1.png", "b/1.png"]


def test_file_that_changes_while_preparing_is_noticed(tmp_path, settings, make_images, monkeypatch):
    root = tmp_path / "mine"
    make_images(root, "a/1.png", "b/1.png")
    listed = builders.hash_files
    with monkeypatch.context() as patch:
        patch.setattr(
            builders,
            "hash_files",
            lambda *args: (listed(*args), make_images(root, "b/1.png", seed=1))[0],
        )
        with pytest.raises(UserError, match="changed while"):
            records.open_records(settings(dir=str(root)))
    assert (
        records.open_records(settings(dir=str(root)))[1].content == (root / "b/1.png").read_bytes()
    )


def test_any_bytes_survive(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    contents = {"a/ä ö.PNG": b"\x00\xff\x00", "b/empty.jpg": b"", "b/zeros.bmp": bytes(9)}
    for file, content in contents.items():
        (tmp_path / file).write_bytes(content)
    stored = {r.file: r.content for r in records.open_records(settings(dir=str(tmp_path)))}
    assert {file: stored[file] for file in contents} == contents


def test_damaged_copy_is_refused(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    stored = records.open_records(settings(dir=str(tmp_path)))
    wrong = [dict(row, content=b"other") for row in stored._data]
    stored._data = wrong
    with pytest.raises(UserError, match=r"a/1\.png is damaged"):
        stored[0]


def test_phantom_is_drawn_once_and_only_when_asked_for(settings, monkeypatch):
    data = settings(name="phantom", image_size=16, phantom_images=2)
    first = records.open_records(data)
    assert len(first) == 8
    assert [first[i].file for i in (1, 2)] == ["glioma/00001.png", "meningioma/00000.png"]
    assert first.class_names == phantom_drawing.CLASS_NAMES
    monkeypatch.setattr(phantom_drawing, "draw", lambda *args: pytest.fail("drawn again"))
    assert records.open_records(data).data_hash == first.data_hash
    monkeypatch.undo()
    other = records.open_records(settings(name="phantom", image_size=16, phantom_seed=1))
    assert other.data_hash != first.data_hash


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "leukaemia"}, "leukemia, brain_tumor_mri"),
        ({"name": "leukemia", "variant": "Cropped"}, "Original, Segmented"),
    ],
)
def test_settings_that_no_set_takes(settings, changes, message):
    with pytest.raises(UserError, match=message):
        records.open_records(settings(**changes))


def test_quiet_and_free_of_tensorflow(tmp_path, make_images):
    make_images(tmp_path / "mine", "a/1.png", "b/1.png")
    code = f"""
import sys
from synthmed_jax.data import held_out, loading, pipeline, records, synthetic
from synthmed_jax.data.settings import DataSettings
settings = DataSettings("folder", {str(tmp_path / "mine")!r}, "", 8, 3, "pad",
                        {str(tmp_path / "cache")!r}, 1, 0)
assert len(loading.load_images(settings).images) == 2
assert not {{"tensorflow", "torch", "cv2"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
