import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from synthmed_jax.data import decode, records
from synthmed_jax.data.sets import DATASETS, phantom, phantom_drawing
from synthmed_jax.files import sha256


@pytest.fixture
def data(settings):
    return settings(name="phantom", image_size=16, phantom_images=3, phantom_seed=7)


def test_the_plan_names_every_class_equally_often(data):
    source = phantom.Phantom.make_source(data)
    assert source.class_names == phantom_drawing.CLASS_NAMES
    assert source.files == sorted(source.files)
    assert source.files[2] == ("glioma/00002.png", 0)
    assert source.files[-1] == ("pituitary/00002.png", 3)
    assert np.bincount([label for _, label in source.files]).tolist() == [3] * 4
    assert source.content_hash is None


def test_what_is_stored_is_what_is_drawn(data):
    stored = records.open_records(data)
    assert len(stored) == 12
    for record in stored:
        name, stem = Path(record.file).parent.name, Path(record.file).stem
        assert stored.class_names[record.label] == name
        image, _ = phantom_drawing.draw(7, record.label, int(stem), 16)
        np.testing.assert_array_equal(decode.decode_image(record.content, 1)[..., 0], image)
        assert record.sha256 == sha256(record.content)


def test_the_hash_of_the_data_is_that_of_its_content_and_not_of_its_size_alone(data):
    first = records.open_records(data)
    assert first.data_hash == records.open_records(data).data_hash
    for change in ({"phantom_seed": 8}, {"phantom_images": 2}, {"image_size": 17}):
        other = records.open_records(dataclasses.replace(data, **change))
        assert other.data_hash != first.data_hash


def test_the_key_of_the_copy_follows_all_that_the_drawing_depends_on(data, tmp_path, monkeypatch):
    def key(**changes) -> str:
        return phantom.Phantom.make_source(dataclasses.replace(data, **changes)).key

    assert key() == key(dir="/elsewhere", variant="Segmented", channels=1, square="crop")
    keys = [key(), key(phantom_images=2), key(phantom_seed=8), key(image_size=17)]
    monkeypatch.setattr(phantom, "_FORMAT_VERSION", phantom._FORMAT_VERSION + 1)
    keys.append(key())
    monkeypatch.undo()
    changed = tmp_path / "phantom_drawing.py"
    shutil.copy(phantom_drawing.__file__, changed)
    monkeypatch.setattr(phantom_drawing, "__file__", str(changed))
    assert key() == keys[0]
    changed.write_text(changed.read_text() + "# another drawing\n")
    keys.append(key())
    assert len(set(keys)) == len(keys) == 6


def test_lesions_are_known_at_any_size_and_of_phantoms_alone(data):
    for size in (16, 40):
        lesion_of = DATASETS["phantom"].make_lesion_of(data, size)
        for label, name in enumerate(phantom_drawing.CLASS_NAMES):
            mask = lesion_of(f"{name}/00002.png")
            assert mask.dtype == np.bool_
            np.testing.assert_array_equal(mask, phantom_drawing.draw(7, label, 2, size)[1])
            assert mask.any() == (name != "notumor")
    for name in set(DATASETS) - {"phantom"}:
        assert DATASETS[name].make_lesion_of(dataclasses.replace(data, name=name), 16) is None
