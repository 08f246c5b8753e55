import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.errors import UserError
from synthmed_jax.explain.masks import MASKS_PER_REGION, SAMPLINGS, draw_masks, round_ends


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    r=st.integers(1, 70),
    sampling=st.sampled_from(sorted(SAMPLINGS)),
)
def test_shape_first_row_and_repeatability(seed, n, r, sampling):
    masks, group = draw_masks(seed, n, r, sampling)
    assert masks.shape == (n, r)
    assert masks.dtype == bool
    assert masks[0].all()
    assert group.shape == (n,)
    again, _ = draw_masks(seed, n, r, sampling)
    np.testing.assert_array_equal(masks, again)


def test_bernoulli_is_limes_own():
    masks, _ = draw_masks(7, 50, 9, "bernoulli")
    expected = np.random.RandomState(7).randint(0, 2, 50 * 9).reshape(50, 9)
    expected[0] = 1
    np.testing.assert_array_equal(masks, expected)


@pytest.mark.parametrize("sampling", ["antithetic", "balanced"])
def test_rows_of_a_group_are_complements(sampling):
    masks, group = draw_masks(3, 201, 12, sampling)
    np.testing.assert_array_equal(group, np.r_[0, np.repeat(np.arange(1, 101), 2)])
    np.testing.assert_array_equal(masks[1::2], ~masks[2::2])


def test_balanced_columns_are_orthogonal_and_clear_of_interactions_of_two():
    masks, _ = draw_masks(1, 1 + 2 * 128, 55, "balanced")
    sign = np.where(masks[1:], 1, -1)
    np.testing.assert_array_equal(sign.T @ sign, len(sign) * np.eye(55))
    # Columns against products of two others: the fold-over sends them all to zero.
    for i, j in [(0, 1), (3, 17), (20, 54)]:
        assert not (sign.T @ (sign[:, i] * sign[:, j])).any()


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_region_is_shown_half_of_the_time(sampling):
    masks = np.concatenate([draw_masks(seed, 200, 20, sampling)[0][1:] for seed in range(40)])
    # Neither alone nor, over seeds, by threes.
    np.testing.assert_allclose(masks.mean(axis=0), 0.5, atol=0.03)
    triples = masks[:, :18].reshape(len(masks), 6, 3).all(axis=-1).mean(axis=0)
    np.testing.assert_allclose(triples, 1 / 8, atol=0.03)


def test_an_unknown_sampling_is_refused():
    with pytest.raises(UserError, match="balanced"):
        draw_masks(0, 10, 3, "ballanced")


@pytest.mark.parametrize(
    ("num_samples", "num_regions", "ends"),
    [
        (1000, 55, [257, 385, 513, 641, 769, 897, 1000]),
        (1000, 12, [129, 257, 385, 513, 641, 769, 897, 1000]),
        (1025, 70, [513, 769, 1025]),  # blocks of 256 masks
        (257, 55, [257]),
        (40, 12, [40]),
    ],
)
def test_an_explanation_may_stop_after_whole_rounds(num_samples, num_regions, ends):
    assert round_ends(num_samples, num_regions) == ends
    assert ends[0] > MASKS_PER_REGION * num_regions or ends == [num_samples]


@pytest.mark.parametrize("num_regions", [9, 31, 32, 55, 64, 100])
def test_masks_are_balanced_after_each_round(num_regions):
    masks, group = draw_masks(5, 2000, num_regions, "balanced")
    for end in round_ends(2000, num_regions)[:-1]:
        sign = np.where(masks[1:end], 1, -1)
        np.testing.assert_array_equal(sign.T @ sign, (end - 1) * np.eye(num_regions))
        assert group[end - 1] != group[end]  # no pair is torn


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_fewer_masks_are_the_first_of_more(sampling):
    few, more = (draw_masks(4, n, 20, sampling)[0] for n in (129, 500))
    np.testing.assert_array_equal(few, more[:129])
