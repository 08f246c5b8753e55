import numpy as np
import pytest

from synthmed_jax.data import near_duplicates, planted
from synthmed_jax.data.alignment import Details, correlate, details_of_all
from synthmed_jax.data.near_duplicates import HIGHEST, LOWEST
from tests.data.scenes import scenes


@pytest.mark.parametrize("side", [32, 64])
def test_planted_copies_are_found_and_nothing_else(side):
    originals = scenes(60, side)
    changed = planted.plant(originals[:10], seed=0)
    mild = [
        "unchanged", "moved by 1 pixel", "JPEG, quality 50", "contrast times 1.3",
        "noise, deviation 10", "brighter by 20",
    ]  # fmt: skip
    images = np.concatenate([originals, *(changed[how] for how in mild)])
    found = near_duplicates.find(images, np.arange(60))
    assert LOWEST <= found.threshold <= HIGHEST
    expected = np.concatenate([np.arange(60), *[np.arange(10)] * len(mild)])
    same = expected[:, None] == expected[None, :]
    np.testing.assert_array_equal(found.components[:, None] == found.components[None, :], same)
    assert found.twins[60:70].tolist() == list(range(10))  # the unchanged copies
    assert len(np.unique(found.twins)) == len(images) - 10
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert (found.alike > found.threshold).all()


def test_a_chain_is_one_component():
    """Each is a near-duplicate of the next, moved on by two pixels; the ends are none."""
    wide = scenes(1, 80)[0]
    chain = np.stack([wide[8:72, start : start + 64] for start in (0, 2, 4, 6, 8)])
    images = np.concatenate([scenes(40, 64, seed=1), chain])
    found = near_duplicates.find(images, np.arange(40))
    assert len(set(found.components[40:])) == 1
    assert len(set(found.components[:41])) == 41
    assert (40, 44) not in {tuple(pair) for pair in found.pairs.tolist()}


def test_small_images_are_compared_pixel_by_pixel():
    images = np.repeat(scenes(20, 8), 2, axis=0)
    images[1, 0, 0] ^= 1
    found = near_duplicates.find(images, np.arange(40))
    assert len(found.pairs) == 0
    assert len(np.unique(found.components)) == 21
    assert found.components[0] != found.components[1]


def test_twins_alone_are_what_the_search_calls_twins():
    images = scenes(40, 32)
    images[7] = images[3]
    images[9] = np.roll(images[3], 1, axis=0)  # a near-duplicate, of which nothing is said
    alone, found = near_duplicates.find_twins(images), near_duplicates.find(images, np.arange(40))
    assert np.array_equal(alone.twins, found.twins)
    assert found.components[9] == found.components[3]
    assert np.array_equal(alone.components, np.unique(alone.twins, return_inverse=True)[1])
    assert alone.pairs.shape == (0, 2)


def test_blank_images_are_twins_at_most():
    images = scenes(40, 32)
    images[3], images[4], images[5] = 0, 0, 1
    components = near_duplicates.find(images, np.arange(40)).components
    assert components[3] == components[4] != components[5]
    assert len(np.unique(components)) == 39


def test_the_order_of_the_images_does_not_matter():
    images = np.concatenate([scenes(40, 32), planted.plant(scenes(40, 32)[:9], 0)["blur, 1 pixel"]])
    order = np.random.default_rng(0).permutation(len(images))
    one = near_duplicates.find(images, np.arange(40))
    two = near_duplicates.find(images[order], np.flatnonzero(order < 40))
    assert one.threshold == two.threshold
    np.testing.assert_array_equal(
        one.components[order][:, None] == one.components[order],
        two.components[:, None] == two.components,
    )


class Given(Details):
    """The images are taken for their own details."""

    def __getitem__(self, rows):
        return self.images[self.rows[rows]][..., 0]


@pytest.mark.slow
def test_the_threshold_is_where_few_different_images_lie():
    """A hundredth, were the bulk normal; a few hundredths of these."""
    rng = np.random.default_rng(0)
    # Of a few parts each, so that different images are much alike, as slices of heads are.
    mixed = np.tensordot(rng.normal(size=(400, 12)), scenes(12, 32) - 128.0, 1)
    details = Given(mixed.astype(np.float32), np.arange(400))
    threshold = near_duplicates.calibrate(details)
    pairs = np.argwhere(~np.eye(400, dtype=bool))
    nearest = correlate(details, details, pairs).reshape(400, 399).max(1)
    assert LOWEST < threshold < HIGHEST
    assert 0.005 < (nearest > threshold).mean() < 0.06


def test_duplicates_in_the_reference_hardly_move_the_threshold():
    different = scenes(300, 16)
    both = np.concatenate([different, planted.plant(different[:60], 0)["JPEG, quality 50"]])
    one, two = (near_duplicates.calibrate(details_of_all(each)) for each in (different, both))
    assert one == pytest.approx(two, abs=0.12)


def test_few_images_give_the_highest_threshold():
    details = details_of_all(scenes(near_duplicates.FEWEST - 1, 32))
    assert near_duplicates.calibrate(details) == HIGHEST


@pytest.mark.parametrize(("side", "expected"), [(32, [0, 1, 2, 3]), (8, [0, 1])])
def test_what_is_near_to_other_images_is_found(side, expected):
    """Two are twins of others, two are brighter; small images are compared pixel by pixel."""
    others = scenes(40, side)
    images = np.concatenate([others[[7, 3]], planted.plant(others[:2], 0)["brighter by 20"]])
    images = np.concatenate([images, scenes(10, side, seed=1)])
    near = near_duplicates.are_near(images, others, 0.9)
    assert np.flatnonzero(near).tolist() == expected
