import dataclasses
import hashlib

import numpy as np
import pytest

from synthmed_jax.data import synthetic
from synthmed_jax.diffusion import generate
from synthmed_jax.diffusion.generate import GenerateSettings
from synthmed_jax.diffusion.train import init_state
from synthmed_jax.errors import UserError

SETTINGS = GenerateSettings(sampler="ddpm", steps=12, block=4, seed=0)
NAMES = ("left", "right")


@pytest.fixture(scope="module")
def params(train_settings, network):
    return init_state(train_settings, network, (8, 8, 1)).params


@pytest.fixture(scope="module")
def make_sampler(network, schedule, params):
    def make(**changes):
        settings = dataclasses.replace(SETTINGS, **changes)
        return generate.Sampler(settings, network, schedule, "v", params, (8, 8, 1))

    return make


@pytest.fixture(scope="module")
def sampler(make_sampler):
    return make_sampler()


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_rounding_is_to_the_nearest_grey_level():
    x = np.array([-2, -1, -1 + 0.9 / 127.5, 0.0, 1, 3])
    np.testing.assert_array_equal(generate.to_grey_levels(x), [0, 0, 1, 128, 255, 255])


def test_an_image_is_determined_by_class_and_index(sampler, make_sampler):
    label, index = np.array([0, 1, 1], np.int32), np.array([5, 5, 6], np.int32)
    images = sampler(label, index)
    assert images.dtype == np.uint8
    assert images.shape == (3, 8, 8, 1)
    alone = sampler(label[1:2], index[1:2])
    # Another batch: the same image to one grey level.
    assert np.abs(alone[0].astype(int) - images[1]).max() <= 1
    assert np.abs(images[0].astype(int) - images[1]).max() > 1
    assert np.abs(images[1].astype(int) - images[2]).max() > 1
    other_seed = make_sampler(seed=1)(label, index)
    assert np.abs(images.astype(int) - other_seed).max() > 1


def test_manifest_and_files_agree(sampler, tmp_path):
    generate.generate(sampler, SETTINGS, NAMES, 6, "c0ffee", tmp_path)
    rows = synthetic.read_manifest(tmp_path)
    assert [(r["class"], r["index"]) for r in rows] == [(c, i) for c in NAMES for i in range(8)]
    for row in rows:
        content = (tmp_path / row["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert (row["sampler"], row["steps"], row["checkpoint"]) == ("ddpm", 12, "c0ffee")
    loaded = synthetic.load_synthetic(tmp_path, NAMES, 6, channels=1)
    np.testing.assert_array_equal(
        loaded.images[:4], sampler(np.zeros(4, np.int32), np.arange(4, dtype=np.int32))
    )


def test_killed_and_resumed_gives_the_same_files(sampler, tmp_path):
    generate.generate(sampler, SETTINGS, NAMES, 8, "c", tmp_path / "a")
    calls = 0

    def dies(label, index):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return sampler(label, index)

    with pytest.raises(KeyboardInterrupt):
        generate.generate(dies, SETTINGS, NAMES, 8, "c", tmp_path / "b")
    generate.generate(sampler, SETTINGS, NAMES, 8, "c", tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_more_images_later_redo_nothing(sampler, tmp_path):
    generate.generate(sampler, SETTINGS, NAMES, 4, "c", tmp_path / "a")
    drawn = []

    def counts(label, index):
        drawn.extend(index.tolist())
        return sampler(label, index)

    generate.generate(counts, SETTINGS, NAMES, 8, "c", tmp_path / "a")
    assert drawn == [4, 5, 6, 7] * 2
    generate.generate(sampler, SETTINGS, NAMES, 8, "c", tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize(
    ("field", "value"), [("sampler", "ddmp"), ("steps", 0), ("block", 0), ("seed", -1)]
)
def test_bad_settings_name_the_field(field, value):
    with pytest.raises(UserError, match=f"config.generate.{field}"):
        dataclasses.replace(SETTINGS, **{field: value})
