import numpy as np
import pytest
from scipy import ndimage

from synthmed_jax.audit.aligned_search import find_nearest
from synthmed_jax.audit.planted_copies import plant


def scenes(n, seed, side=32):
    """Smooth random images u8[N,S,S,1], no two alike."""
    noise = np.random.default_rng(seed).normal(size=(n, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 1.7, 1.7))
    smooth = 128 + 40 * smooth / smooth.std(axis=(1, 2), keepdims=True)
    return np.clip(np.rint(smooth), 0, 255).astype(np.uint8)[..., None]


REFERENCES = scenes(60, 0)
COPIES = plant(REFERENCES[::3], 0)


@pytest.mark.parametrize("how", COPIES)
def test_a_changed_copy_finds_its_original(how):
    found = find_nearest(COPIES[how], REFERENCES, "none")
    assert found.index.tolist() == list(range(0, 60, 3))
    assert found.alike.min() > 0.85


def test_an_equal_image_is_alike_by_one_and_a_stranger_is_not():
    assert find_nearest(REFERENCES, REFERENCES, "none").alike == pytest.approx(
        np.ones(60), abs=1e-5
    )
    assert find_nearest(scenes(20, 1), REFERENCES, "none").alike.max() < 0.6


def test_symmetries_are_looked_through_where_asked_for():
    mirrored = np.rot90(REFERENCES[:, :, ::-1], 3, axes=(1, 2))
    assert (find_nearest(mirrored, REFERENCES, "dihedral").alike > 0.99).all()
    assert (find_nearest(mirrored, REFERENCES, "none").alike < 0.7).all()


def test_images_of_one_group_are_not_compared():
    groups = np.arange(60) // 2
    doubled = np.repeat(REFERENCES[:30], 2, axis=0)
    found = find_nearest(doubled, doubled, "none", (groups, groups))
    assert (groups[found.index] != groups).all()
    assert (found.alike < 0.7).all()


def test_one_reference_that_may_not_be_compared_is_none():
    one = REFERENCES[:1]
    assert find_nearest(one, one, "none", (np.zeros(1, int), np.zeros(1, int))).alike == [-1]


def test_flat_images_are_like_nothing():
    flat = np.full((2, 32, 32, 1), 90, np.uint8)
    assert (find_nearest(flat, REFERENCES, "none").alike <= 0).all()


def test_blocks_do_not_change_what_is_found(monkeypatch):
    whole = find_nearest(COPIES["turned by 5 degrees"], REFERENCES, "horizontal")
    monkeypatch.setattr("synthmed_jax.audit.aligned_search._BLOCK", 7)
    parts = find_nearest(COPIES["turned by 5 degrees"], REFERENCES, "horizontal")
    assert parts.index.tolist() == whole.index.tolist()
    np.testing.assert_allclose(parts.alike, whole.alike, atol=1e-5)


@pytest.mark.parametrize(
    ("references", "flips"),
    [(REFERENCES, "up"), (REFERENCES[:0], "none"), (scenes(3, 0, 16), "none")],
)
def test_what_cannot_be_compared_is_refused(references, flips):
    with pytest.raises(ValueError, match=r"compare|not one of"):
        find_nearest(REFERENCES, references, flips)
