"""Are the said standard errors those of the weights, and the weights those of lime's limit?

55 regions as by default, and functions in the place of networks, which answer many masks at once.
"""

import functools

import numpy as np
import pytest
from scipy import special

from synthmed_jax.explain import ridge
from synthmed_jax.explain.lime import CONTROLS
from synthmed_jax.explain.masks import draw_masks

REGIONS = 55
SEEDS = 50
RNG = np.random.default_rng(7)
ALONE = RNG.normal(size=(REGIONS, 4))
PAIRS = RNG.normal(size=(REGIONS, 4))


def _odds(masks, alone, pairs):
    """f64[N,4]: effects of single regions and of neighbours, 0 on average over masks."""
    x = masks.astype(float)
    return alone * (x - 0.5) @ ALONE + pairs * (x * np.roll(x, 1, axis=1) - 0.25) @ PAIRS


def saturating(masks):
    """Answers that reach from 0 to 1."""
    return special.softmax(_odds(masks, 0.6, 0.5), axis=1)


def rising(masks):
    """Class 0 is sure of the whole image, and each hidden region takes a little of that away."""
    odds = _odds(masks, 0.1, 0.05)
    odds[:, 0] += 12 * (masks.mean(axis=1) - 0.5)
    return special.softmax(odds, axis=1)


def sure(masks):
    """Class 0 is sure of the whole image (0.999), and of no other (0.25 on average)."""
    odds = _odds(masks, 0.06, 0.12)
    odds[:, 0] += 7 * masks.all(axis=1)
    return special.softmax(odds, axis=1)


@functools.cache
def fits(network, num_samples, sampling, control):
    """Weights and standard errors f64[SEEDS,R,4]."""
    found = []
    for seed in range(SEEDS):
        masks, group = draw_masks(seed, num_samples, REGIONS, sampling)
        found.append(CONTROLS[control](masks, network(masks), group, seed, num_samples))
    return np.array([f.weights for f in found]), np.array([f.standard_errors for f in found])


@functools.cache
def limit(network, num_samples):
    """f64[R,4]: what lime's weights of `num_samples` evaluations tend to over many draws.

    From 100,000 masks, among which the whole image weighs as one of `num_samples`.
    """
    masks = np.random.default_rng(1).random((50_000, REGIONS)) < 0.5
    masks = np.concatenate([np.ones((1, REGIONS), bool), masks, ~masks])
    return ridge.fit(masks, network(masks), np.arange(len(masks)), num_samples).weights


def ratio(weights, errors):
    """f64[4]: said standard error over the true spread of the weights, by class."""
    return np.sqrt((errors**2).mean(axis=(0, 1)) / weights.var(axis=0, ddof=1).mean(axis=0))


SAMPLES = (200, 400, 1000)


@pytest.mark.parametrize(
    ("sampling", "control"),
    [("antithetic", "none"), ("balanced", "none"), ("balanced", "logistic")],
)
@pytest.mark.parametrize("num_samples", SAMPLES)
def test_95_of_100_intervals_hold_the_limit(num_samples, sampling, control):
    weights, errors = fits(saturating, num_samples, sampling, control)
    inside = np.abs(weights - limit(saturating, num_samples)) < 1.96 * errors
    assert 0.93 < inside.mean() < 0.96
    assert np.abs(ratio(weights, errors).mean() - 1) < 0.04


@pytest.mark.parametrize(("control", "least"), [("none", 0.93), ("logistic", 0.94)])
@pytest.mark.parametrize("num_samples", SAMPLES)
def test_single_masks_have_intervals_that_are_not_too_narrow(num_samples, control, least):
    weights, errors = fits(saturating, num_samples, "bernoulli", control)
    inside = np.abs(weights - limit(saturating, num_samples)) < 1.96 * errors
    assert least < inside.mean() < 0.98


@pytest.mark.parametrize(
    ("sampling", "control", "num_samples"),
    [
        # 56 parameters; the whole image, and as many pairs or single masks as make 56 groups.
        ("antithetic", "none", 111),
        ("balanced", "none", 111),
        ("balanced", "logistic", 111),
        ("bernoulli", "none", 56),
        ("bernoulli", "logistic", 112),  # the logistic model has as many parameters again
    ],
)
def test_nothing_is_said_where_there_are_no_more_groups_than_parameters(
    sampling, control, num_samples
):
    def errors(n):
        masks, group = draw_masks(0, n, REGIONS, sampling)
        return CONTROLS[control](masks, saturating(masks), group, 0, n).standard_errors

    assert np.isnan(errors(num_samples)).all()
    assert np.isfinite(errors(num_samples + 1)).all()


@pytest.mark.parametrize(
    ("sampling", "control"), [("bernoulli", "none"), ("balanced", "none"), ("balanced", "logistic")]
)
def test_a_network_that_is_sure_of_the_whole_image_alone_has_no_wider_errors(sampling, control):
    weights, errors = fits(sure, 1000, sampling, control)
    np.testing.assert_allclose(ratio(weights, errors), 1, atol=0.1)


@pytest.mark.parametrize("network", [saturating, rising])
@pytest.mark.parametrize("num_samples", [200, 1000])
def test_a_control_variate_tends_to_what_lime_tends_to(network, num_samples):
    weights, _ = fits(network, num_samples, "balanced", "logistic")
    # What is lost of the pull towards the whole image has one sign in all weights of a class.
    shift = (weights - limit(network, num_samples)).mean(axis=1)
    z = shift.mean(axis=0) / (shift.std(axis=0, ddof=1) / SEEDS**0.5)
    assert np.abs(z).max() < 3.5


@pytest.mark.parametrize("control", ["none", "logistic"])
def test_fewer_masks_than_planned_estimate_the_same_weights(control):
    # A network that is sure of the whole image alone: among few masks the whole image pulls most.
    found = {}
    for planned in (None, 1000):
        weights = []
        for seed in range(SEEDS):
            masks, group = draw_masks(seed, 257, REGIONS, "balanced")
            fit = CONTROLS[control](masks, sure(masks), group, seed, planned or 257)
            weights.append(fit.weights)
        found[planned] = np.mean(weights, axis=0)
    off = {planned: np.abs((w - limit(sure, 1000))[:, 0].mean()) for planned, w in found.items()}
    assert off[1000] < off[None] / 10
