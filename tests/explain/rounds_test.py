"""Explanations that stop once they are sure enough, of predictors whose weights are known."""

import dataclasses

import numpy as np
import pytest

from synthmed_jax.explain import lime
from synthmed_jax.explain.predictor import make_view
from synthmed_jax.explain.segmentation import segment

REGIONS = 36
IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 1)).astype(np.uint8)
VIEW = make_view(IMAGE, segment(IMAGE, "grid", REGIONS))
ALONE = np.random.default_rng(1).normal(size=REGIONS) ** 3
TRIPLES = np.random.default_rng(2).normal(size=REGIONS)
SETTINGS = lime.LimeSettings("jax", 1000, 0.1, "balanced", "none", "grid", REGIONS, seed=0)


class Known:
    """A predictor with effects of single regions and of three neighbours, in a network's place.

    What three regions do together is noise to a linear model, and no sampling cancels it.

    Attributes:
      asked: masks per call.
    """

    def __init__(self, triples):
        self.triples, self.asked = triples, []

    def masked(self, view, masks):
        self.asked.append(len(masks))
        x = np.where(masks, 0.5, -0.5)
        three = x * np.roll(x, 1, axis=1) * np.roll(x, 2, axis=1)
        risen = 0.5 + (x @ ALONE + self.triples * three @ TRIPLES) / 100
        return np.stack([1 - risen, risen], axis=1)

    def explain(self, repeats=1, **changes):
        whole = self.masked(VIEW, np.ones((1, REGIONS), bool))[0]
        settings = dataclasses.replace(SETTINGS, **changes)
        self.asked.clear()
        return lime.explain_repeatedly(self, VIEW, settings, repeats, whole, label=1)


def test_an_easy_image_is_sure_at_the_first_look_and_a_hard_one_takes_all():
    (easy,), (hard,) = Known(0).explain(), Known(60).explain()
    assert easy.num_samples == 257
    assert easy.relative_error < 0.01
    assert hard.num_samples == 1000
    assert hard.relative_error > 0.1
    np.testing.assert_allclose(easy.label_weights, ALONE / 100, rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("precision", [0.2, 0.15, 0.1, 0.07])
def test_it_stops_at_the_first_look_at_which_it_is_sure_enough(precision):
    (found,) = Known(20).explain(precision=precision)
    assert found.relative_error <= precision
    if found.num_samples > 257:
        # As many evaluations as it had at the look before.
        fewer = dataclasses.replace(SETTINGS, num_samples=found.num_samples - 128, precision=0.0)
        whole = Known(20).masked(VIEW, np.ones((1, REGIONS), bool))[0]
        (before,) = lime.explain_repeatedly(Known(20), VIEW, fewer, 1, whole, 1)
        assert before.relative_error > precision * 0.98  # the whole image weighs a little more


def test_more_precision_takes_more_evaluations():
    used = [Known(20).explain(precision=p)[0].num_samples for p in (0.3, 0.1, 0.08, 0.07)]
    assert used == sorted(used)
    assert used[0] < used[-1] < 1000


def test_without_a_precision_all_are_asked_about_at_once():
    known = Known(0)
    (found,) = known.explain(precision=0.0)
    assert found.num_samples == 1000
    assert known.asked == [999]


def test_seeds_share_calls_and_each_finds_what_it_finds_alone():
    known = Known(20)
    together = known.explain(repeats=6, precision=0.09)
    assert known.asked[0] == 6 * 256
    assert set(np.array(known.asked[1:]) % 128) <= {0, 999 - 896}
    assert len({each.num_samples for each in together}) > 1
    for seed, one in enumerate(together):
        (alone,) = Known(20).explain(seed=seed, precision=0.09)
        assert alone.num_samples == one.num_samples
        np.testing.assert_array_equal(alone.weights, one.weights)
        np.testing.assert_array_equal(alone.standard_errors, one.standard_errors)


@pytest.mark.parametrize("control", ["none", "logistic"])
def test_the_said_error_is_the_spread_over_seeds_where_explanations_have_stopped(control):
    found = Known(20).explain(repeats=60, control=control, precision=0.1)
    weights = np.array([each.label_weights for each in found])
    errors = np.array([each.label_errors for each in found])
    assert 257 < np.median([each.num_samples for each in found]) < 1000
    # Stopping where errors look small makes them no smaller than they are.
    spread = np.sqrt(weights.var(axis=0, ddof=1).mean())
    assert np.sqrt((errors**2).mean()) == pytest.approx(spread, rel=0.1)


def test_a_network_that_answers_alike_whatever_is_hidden_is_sure_at_once(quadrant):
    image = np.zeros((1, 32, 32, 1), np.float32)
    (found,) = lime.explain(quadrant, image, dataclasses.replace(SETTINGS, num_samples=900))
    assert found.num_samples == 257
    assert found.relative_error == 0


def test_the_package_takes_all_whatever_the_precision(quadrant, discs):
    package = dataclasses.replace(SETTINGS, engine="lime", num_samples=300)
    (found,) = lime.explain(quadrant, discs[None], package)
    assert found.num_samples == 300
    assert found.relative_error is None
    assert package.as_done().precision == 0
    assert package.expected_samples == 300
