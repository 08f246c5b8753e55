import hashlib

import numpy as np
import pytest

from synthmed_jax.data import synthetic
from synthmed_jax.diffusion import generate
from synthmed_jax.diffusion.sampling import SampleSettings

SETTINGS = SampleSettings("ddpm", 12, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
NAMES = ("left", "right")
BLOCK = 4


def draw_class(label, index):
    """Grey images that say which they are."""
    rows = np.arange(8, dtype=np.uint8)[None, :, None, None]
    return np.broadcast_to(
        100 * label + index.astype(np.uint8)[:, None, None, None] + rows, (len(index), 8, 8, 1)
    ).astype(np.uint8)


def run(draw, per_class, directory, block=BLOCK):
    generate.generate(draw, SETTINGS, block, NAMES, per_class, ("c0", "c1"), directory)


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_manifest_and_files_agree(tmp_path):
    run(draw_class, 6, tmp_path)
    rows = synthetic.read_manifest(tmp_path)
    assert [(r.class_name, r.index) for r in rows] == [(c, i) for c in NAMES for i in range(8)]
    for row in rows:
        content = (tmp_path / row.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        generator = {"left": "c0", "right": "c1"}[row.class_name]
        assert (row.sampler, row.steps, row.checkpoint) == ("ddpm", 12, generator)
    loaded = synthetic.load_synthetic(tmp_path, NAMES, 6, channels=1)
    np.testing.assert_array_equal(loaded.images[6:10], draw_class(1, np.arange(4)))


def test_killed_and_resumed_gives_the_same_files(tmp_path):
    run(draw_class, 8, tmp_path / "a")
    calls = 0

    def dies(label, index):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return draw_class(label, index)

    with pytest.raises(KeyboardInterrupt):
        run(dies, 8, tmp_path / "b")
    run(draw_class, 8, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_resumed_in_blocks_of_another_size_no_image_is_there_twice(tmp_path):
    run(draw_class, 4, tmp_path)
    run(draw_class, 9, tmp_path, block=3)
    found = [(row.class_name, row.index) for row in synthetic.read_manifest(tmp_path)]
    assert found == [(name, i) for name in NAMES for i in range(9)]
    loaded = synthetic.load_synthetic(tmp_path, NAMES, 9, channels=1)
    np.testing.assert_array_equal(loaded.images[9:], draw_class(1, np.arange(9)))


def test_more_images_later_redo_nothing(tmp_path):
    run(draw_class, 4, tmp_path / "a")
    drawn = []

    def counts(label, index):
        drawn.extend(index.tolist())
        return draw_class(label, index)

    run(counts, 8, tmp_path / "a")
    assert drawn == [4, 5, 6, 7] * 2
    run(draw_class, 8, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
