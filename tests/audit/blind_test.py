import io

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.audit import blind
from synthmed_jax.statistics.roc import estimate_area


def images(n, seed):
    return np.random.default_rng(seed).integers(60, 200, (n, 12, 12, 1)).astype(np.uint8)


def area(members, others, member_groups=None, others_groups=None):
    groups = (
        np.arange(len(members)) if member_groups is None else member_groups,
        1000 + np.arange(len(others)) if others_groups is None else others_groups,
    )
    return estimate_area(*blind.ask_forest(members, others, *groups, 0))


def test_the_forest_finds_a_shift_and_nothing_where_there_is_none():
    assert area(images(80, 0) + 30, images(80, 1)).low > 0.7
    assert area(images(80, 0), images(80, 1)).covers_chance


def test_copies_that_are_known_as_copies_tell_the_forest_nothing():
    """Members come four times each: a forest that has seen one knows the others."""
    members, groups = np.repeat(images(40, 0), 4, axis=0), np.repeat(np.arange(40), 4)
    others = images(160, 1)
    assert area(members, others, groups).covers_chance
    assert area(members, others).low > 0.6


def test_a_group_is_learned_or_asked_about_as_a_whole():
    groups = np.repeat(np.arange(20), 4)
    asked = blind.ask_forest(images(80, 0), images(80, 1), groups, groups + 20, 0)
    sizes = np.bincount(np.concatenate([asked.member_groups, asked.others_groups]), minlength=40)
    assert set(sizes) == {0, 4}
    assert len(asked.members) == len(asked.member_groups) == 40


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.8])
def test_one_group_of_half_the_images_leaves_groups_to_ask_about(share):
    large = int(100 * share)
    groups = np.concatenate([np.zeros(large, int), 1 + np.arange(100 - large)])
    others = 1000 + np.arange(100)
    for seed in range(4):
        asked = blind.ask_forest(images(100, 0), images(100, 1), groups, others, seed)
        assert len(np.unique(asked.member_groups)) >= 2
        assert len(np.unique(asked.others_groups)) >= 2
        # Groups stay whole.
        assert np.isin(asked.member_groups, 0).sum() in (0, large)


def test_total_variation_is_the_mean_step():
    ramp = np.tile(np.arange(0, 40, 4, dtype=np.uint8), (10, 1))[None, ..., None]
    assert blind.total_variation(np.concatenate([ramp, ramp.swapaxes(1, 2)])).tolist() == [2, 2]
    colour = np.concatenate([ramp, 0 * ramp, ramp], axis=3)
    assert blind.total_variation(colour) == pytest.approx(4 / 3)


def test_png_size_is_that_of_a_file():
    some = images(2, 0)
    some[1] = 7
    buffer = io.BytesIO()
    Image.fromarray(some[0, ..., 0]).save(buffer, "PNG")
    found = blind.png_size(some)
    assert found[0] == len(buffer.getvalue())
    assert found[1] < found[0]
