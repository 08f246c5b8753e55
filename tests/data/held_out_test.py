import json

import numpy as np

from synthmed_jax.data.held_out import read_test
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.split import SplitSettings, read_parts, split_indices, write_split


def test_test_part_is_all_that_training_does_not_see(tmp_path):
    images = ImageSet(
        np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1),
        np.repeat(np.arange(2, dtype=np.int32), 20),
        tuple(f"{'ab'[i // 20]}/{i}.png" for i in range(40)),
        ("a", "b"),
    )
    settings = SplitSettings(0.2, 0.25, "", "none", 0)
    parts = split_indices(images.labels, images.class_names, images.files, settings)
    path = tmp_path / "split.json"
    write_split(path, parts, images, "hash", [], settings)
    test, seen = read_test(path, images), read_parts(path, images)
    assert not set(test.files) & {*seen.fit.files, *seen.val.files}
    assert len(test) + len(seen.fit) + len(seen.val) == 40
    np.testing.assert_array_equal(test.images, images.images[parts.test])


def test_training_does_not_need_the_test_part(tmp_path):
    images = ImageSet(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int32), ("a/1",), ("a",))
    (tmp_path / "split.json").write_text(
        json.dumps({"fit": [{"file": "a/1", "label": "a"}], "val": []})
    )
    assert len(read_parts(tmp_path / "split.json", images).fit) == 1
