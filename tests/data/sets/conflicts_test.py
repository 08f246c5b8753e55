import hashlib

import pytest

from synthmed_jax.data.sets import DATASETS, conflicts
from synthmed_jax.data.sets.listing import ImageFile, LeftOut
from synthmed_jax.errors import UserError

NAMES = ("ill", "well")
FILES = [
    ImageFile("ill/1.png", 0),
    ImageFile("ill/2.png", 0),
    ImageFile("ill/copy.png", 0),
    ImageFile("well/1.png", 1),
    ImageFile("well/2.png", 1),
]
TORN = {
    "ill/1.png": "x",
    "ill/2.png": "y",
    "ill/copy.png": "x",
    "well/1.png": "x",
    "well/2.png": "z",
}


def test_copies_under_one_label_are_no_conflict(tmp_path):
    digests = TORN | {"well/1.png": "other"}
    assert conflicts.settle(tmp_path, NAMES, FILES, digests, "refuse") == (FILES, [])


def test_files_without_a_byte_are_no_conflict(tmp_path):
    nothing = hashlib.sha256(b"").hexdigest()
    digests = {file: nothing if content == "x" else content for file, content in TORN.items()}
    assert conflicts.settle(tmp_path, NAMES, FILES, digests, "refuse") == (FILES, [])


def test_two_labels_are_refused_dropped_or_kept(tmp_path):
    with pytest.raises(UserError, match=r"ill/1\.png \(ill\) = well/1\.png \(well\)") as error:
        conflicts.settle(tmp_path, NAMES, FILES, TORN, "refuse")
    assert "--config.data.conflicts=drop" in str(error.value)
    assert "--config.data.conflicts=keep" in str(error.value)
    assert conflicts.settle(tmp_path, NAMES, FILES, TORN, "keep") == (FILES, [])
    kept, left_out = conflicts.settle(tmp_path, NAMES, FILES, TORN, "drop")
    assert kept == [ImageFile("ill/2.png", 0), ImageFile("well/2.png", 1)]
    assert left_out == [
        LeftOut("ill/1.png", "ill", conflicts.REASON),
        LeftOut("ill/copy.png", "ill", conflicts.REASON),
        LeftOut("well/1.png", "well", conflicts.REASON),
    ]


def test_five_are_named(tmp_path):
    files = [ImageFile(f"{name}/{i}", k) for k, name in enumerate(NAMES) for i in range(8)]
    digests = {image.file: image.file[-1] for image in files}
    with pytest.raises(UserError, match=r"8 images under two(.|\n)*and 3 more") as error:
        conflicts.settle(tmp_path, NAMES, files, digests, "refuse")
    assert str(error.value).count(" = ") == 5
    assert "class ill, well has none left" in str(error.value)
    with pytest.raises(UserError, match="leaves no image of class ill, well"):
        conflicts.settle(tmp_path, NAMES, files, digests, "drop")


def test_folders_and_known_sets_alike(tmp_path, settings, make_images):
    for file in ("COVID/1.png", "COVID/2.png", "non-COVID/1.png", "non-COVID/2.png"):
        make_images(tmp_path, file, seed=int(file == "COVID/2.png") + 2 * (file[-5] == "2"))
    (tmp_path / "COVID/1.png").write_bytes((tmp_path / "non-COVID/1.png").read_bytes())
    for name in ("folder", "sarscov2_ct"):
        make_source = DATASETS[name].make_source
        with pytest.raises(UserError, match="1 image under two labels"):
            make_source(settings(name=name, dir=str(tmp_path)))
        source = make_source(settings(name=name, dir=str(tmp_path), conflicts="drop"))
        assert [image.file for image in source.files] == ["COVID/2.png", "non-COVID/2.png"]
        assert [entry.file for entry in source.left_out] == ["COVID/1.png", "non-COVID/1.png"]
        both = make_source(settings(name=name, dir=str(tmp_path), conflicts="keep"))
        assert len(both.files) == 4
        assert both.key == both.content_hash != source.content_hash
