import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synthmed_jax.data import regions
from synthmed_jax.explain import scores
from synthmed_jax.explain.predictor import make_view
from synthmed_jax.explain.segmentation import segment
from synthmed_jax.results.explanations import Stability

HALVES = np.repeat([[0, 0, 1, 1]], 4, axis=0)


@given(hnp.arrays(float, 12, elements=st.floats(-1, 1)))
def test_importance_is_a_distribution_and_so_is_its_spread(weights):
    shares = scores.importance(weights)
    if shares is None:
        assert not weights.any()
        return
    np.testing.assert_allclose(shares.sum(), 1)
    assert (shares >= 0).all()
    segments = np.arange(144).reshape(12, 12) % 12
    np.testing.assert_allclose(scores.spread(shares, segments).sum(), 1)


def test_weights_within_two_standard_errors_of_nothing_do_not_count():
    errors = np.array([0.1, 0.1, 0.1])
    np.testing.assert_array_equal(scores.importance(np.array([-0.3, 0.15, 0.1]), errors), [1, 0, 0])
    assert scores.importance(np.array([0.1, -0.15, 0.0]), errors) is None


def test_no_importance_is_known_where_no_error_is():
    assert scores.importance(np.array([-0.3, 0.15, 0.1]), np.full(3, np.nan)) is None


def test_enrichment_is_one_for_even_importance_and_double_for_a_half_that_has_all():
    left = HALVES == 0
    assert scores.enrichment(np.array([0.5, 0.5]), HALVES, left) == pytest.approx(1)
    assert scores.enrichment(np.array([1.0, 0.0]), HALVES, left) == pytest.approx(2)
    assert scores.enrichment(np.array([0.0, 1.0]), HALVES, left) == 0
    assert scores.enrichment(np.array([0.5, 0.5]), HALVES, HALVES < 5) is None
    assert scores.enrichment(np.array([0.5, 0.5]), HALVES, HALVES > 5) is None


def test_the_border_is_an_eighth_wide():
    assert scores.border(32).sum() == 32**2 - 24**2
    assert scores.border(32)[3, 16]
    assert not scores.border(32)[4, 16]


def test_the_true_order_beats_chance_and_the_reverse_loses(quadrant, discs):
    view = make_view(discs, segment(discs, "slic", 40))
    bright = np.zeros(view.num_regions)
    for region in range(view.num_regions):
        pixels = (view.segments == region) & (discs[..., 0] > 0)
        bright[region] = pixels[16:, :16].sum()
    true, false = scores.faithfulness(quadrant, view, 1, [bright, -bright], seed=0)
    assert true.deletion_gain > 0.02
    assert true.insertion_gain > 0.02
    assert false.deletion_gain < 0
    assert false.insertion_gain < 0
    assert true.chance == false.chance
    whole = quadrant.probabilities(discs[None])[0, 1]
    assert true.deletion < whole < true.insertion


def test_chance_is_the_mean_over_random_orders_of_hiding_and_of_showing(quadrant, discs):
    view = make_view(discs, segment(discs, "grid", 16))
    rng = np.random.default_rng(1)
    weights = [rng.random(16) for _ in range(200)]
    each = scores.faithfulness(quadrant, view, 1, weights, seed=0)
    chance = np.mean([scores.faithfulness(quadrant, view, 1, weights[:1], s)[0].chance
                      for s in range(40)])  # fmt: skip
    for way in ("deletion", "insertion"):
        assert np.mean([getattr(one, way) for one in each]) == pytest.approx(chance, abs=0.01)


def test_removal_hides_one_region_more_a_row():
    masks = scores._removal(np.array([2, 0, 1]))
    np.testing.assert_array_equal(masks, [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]])


def test_stability_of_equals_opposites_and_shifts():
    weights = np.arange(10.0)
    assert scores.stability([weights, weights, weights]) == Stability(pytest.approx(1), 1.0)
    assert scores.stability([weights, -weights]) == Stability(pytest.approx(-1), 0.0)
    assert scores.stability([weights, np.zeros(10)]).rank_correlation == 0
    shared = scores.stability([weights, np.roll(weights, 2)], top=5).top_overlap
    assert shared == pytest.approx(3 / 5)


def test_pointing_hits_where_the_strongest_regions_middle_is_in_the_lesion():
    segments = np.repeat(np.repeat(np.arange(4).reshape(2, 2), 3, 0), 3, 1)
    lesion = np.zeros((6, 6), bool)
    lesion[4, 4] = True
    hit, chance = scores.pointing(np.array([0.1, 0.2, 0.3, 0.9]), segments, lesion)
    assert hit
    assert chance == 1 / 4
    assert scores.pointing(np.array([0.9, 0.2, 0.3, 0.1]), segments, lesion) == (False, 1 / 4)


def test_the_middle_of_a_crescent_lies_on_it():
    crescent = regions.rim(7, 1)
    assert crescent[scores.middle(crescent)]
