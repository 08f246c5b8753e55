import dataclasses

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import synthetic
from synthmed_jax.errors import Damaged, UserError
from tests.data.written_set import write_manifest, write_set


def test_loads_the_first_of_each_class(tmp_path):
    rows = write_set(tmp_path, 11)
    write_manifest(tmp_path, rows)
    loaded = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (10, 10), channels=3)
    assert loaded.files == tuple(row.path for row in rows if row.index < 10)
    assert loaded.labels.tolist() == [0] * 10 + [1] * 10
    for image, file in zip(loaded.images, loaded.files, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / file)))
    grey = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (2, 2), channels=1)
    assert grey.images.shape == (4, 4, 4, 1)


def test_loads_as_many_of_each_class_as_are_asked_for_whatever_was_used_last(tmp_path):
    rows = [dataclasses.replace(row, used=row.index < 2) for row in write_set(tmp_path, 5)]
    write_manifest(tmp_path, rows)
    loaded = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (4, 1))
    assert loaded.files == (*(f"a/0000{i}.png" for i in range(4)), "b,c/00000.png")
    assert loaded.labels.tolist() == [0, 0, 0, 0, 1]


def test_a_file_is_whole_if_it_is_the_one_of_its_row(tmp_path):
    row, *_ = write_set(tmp_path, 1)
    assert synthetic.is_whole(tmp_path, row)
    (tmp_path / row.path).write_bytes((tmp_path / row.path).read_bytes()[:-1])
    assert not synthetic.is_whole(tmp_path, row)
    (tmp_path / row.path).unlink()
    assert not synthetic.is_whole(tmp_path, row)


def test_what_can_not_be_loaded(tmp_path):
    rows = write_set(tmp_path, 3)
    write_manifest(tmp_path, rows)
    load = synthetic.load_synthetic
    with pytest.raises(UserError, match=r"csv has 3 of the 4 synthetic images of a that"):
        load(tmp_path, ("a", "b,c"), (4, 1))
    with pytest.raises(UserError, match="0 of the 1 synthetic images of d"):
        load(tmp_path, ("a", "d"), (1, 1))
    Image.new("RGB", (4, 4)).save(tmp_path / rows[0].path)
    with pytest.raises(UserError, match="not the image that manifest"):
        load(tmp_path, ("a", "b,c"), (1, 1))
    (tmp_path / rows[0].path).unlink()
    with pytest.raises(UserError, match="is gone"):
        load(tmp_path, ("a", "b,c"), (1, 1))
    write_manifest(tmp_path, [row for row in rows if row.index != 1])
    # Image 2 is no substitute for image 1.
    with pytest.raises(UserError, match="csv has 1 of the 2 synthetic images of b,c"):
        load(tmp_path, ("b,c",), (2,))


def test_used_images_are_loaded_whatever_their_indices(tmp_path):
    rows = write_set(tmp_path, 4)
    kept = [dataclasses.replace(row, used=row.index not in (0, 2)) for row in rows]
    write_manifest(tmp_path, reversed(kept))
    # The files of the others are not needed.
    (tmp_path / "a" / "00000.png").unlink()
    images = synthetic.load_used(tmp_path, ("a", "b,c"), (2, 2))
    assert images.files == ("a/00001.png", "a/00003.png", "b,c/00001.png", "b,c/00003.png")
    assert images.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(Damaged, match="has 2 of the 3 synthetic images of b,c that are needed"):
        synthetic.load_used(tmp_path, ("a", "b,c"), (2, 3))
