import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthmed_jax.data import records
from synthmed_jax.data.sets import builders, folder, phantom_drawing
from synthmed_jax.errors import UserError


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


FULL = [
    # As the writer of array_record files says it, and as the system does.
    RuntimeError('Failed to finalize writing of split "images": No space left on device; at 4096'),
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
]


@pytest.mark.parametrize("full", FULL, ids=["writer", "disk", "quota"])
def test_a_full_disk_is_said_and_a_run_with_room_goes_on(
    tmp_path, settings, make_images, monkeypatch, full
):
    make_images(tmp_path / "mine", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "mine"))

    def fill(self):
        yield next(whole(self))
        raise full

    whole = folder.Folder._records
    with monkeypatch.context() as patch:
        patch.setattr(folder.Folder, "_records", fill)
        with pytest.raises(
            UserError,
            match=rf"^no room for .* in {data.cache}/prepared: make room, or set "
            r"--config\.data\.cache_dir=<folder>",
        ):
            records.open_records(data)
    assert not [path for path in data.cache.rglob("*") if path.is_file()]
    assert not list(data.cache.rglob("incomplete.*"))
    assert [record.file for record in records.open_records(data)] == ["a/1.png", "b/1.png"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), PermissionError(13, "denied")])
def test_other_errors_of_the_preparation_stay_as_they_are(
    tmp_path, settings, make_images, monkeypatch, error
):
    def fail(self):
        raise error
        yield

    make_images(tmp_path / "mine", "a/1.png", "b/1.png")
    monkeypatch.setattr(folder.Folder, "_records", fail)
    with pytest.raises(type(error), match=r"broken|denied"):
        records.open_records(settings(dir=str(tmp_path / "mine")))


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


def test_a_file_is_had_by_its_name(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    stored = records.open_records(settings(dir=str(tmp_path)))
    for file in ("b/1.png", "a/2.png"):
        assert stored.content_of(file) == (tmp_path / file).read_bytes()
    with pytest.raises(KeyError):
        stored.content_of("b/2.png")


def test_what_is_no_image_is_known_and_found_anew(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    assert records.open_records(settings(dir=str(tmp_path))).left_out == ()
    (tmp_path / "b" / "notes.txt").write_text("seen")
    stored = records.open_records(settings(dir=str(tmp_path)))
    assert [(each.file, each.class_name) for each in stored.left_out] == [("b/notes.txt", "b")]
    assert len(stored) == 2
    assert stored.patients is None


def test_damaged_copy_is_refused(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    stored = records.open_records(settings(dir=str(tmp_path)))
    wrong = [dict(row, content=b"other") for row in stored._rows]
    stored._rows = wrong
    with pytest.raises(UserError, match=r"is damaged: it has other bytes of a/1\.png"):
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
