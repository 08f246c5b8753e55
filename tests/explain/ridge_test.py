import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from synthmed_jax.explain import ridge
from synthmed_jax.explain.masks import SAMPLINGS, draw_masks

RNG = np.random.default_rng(0)


def test_the_kernel_is_limes():
    masks = np.concatenate([RNG.random((20, 13)) < 0.5, np.zeros((1, 13), bool)])
    everything = np.ones((1, 13))
    distance = pairwise_distances(masks.astype(float), everything, metric="cosine").ravel()
    np.testing.assert_allclose(ridge.kernel(masks), np.sqrt(np.exp(-(distance**2) / 0.25**2)))


def test_the_solution_is_scikit_learns():
    masks, group = draw_masks(0, 200, 30, "bernoulli")
    answers = RNG.random((200, 3))
    found = ridge.fit(masks, answers, group)
    closeness = ridge.kernel(masks)
    for k in range(3):
        peer = Ridge(alpha=1).fit(masks, answers[:, k], sample_weight=closeness)
        np.testing.assert_allclose(found.weights[:, k], peer.coef_, atol=1e-10)
        np.testing.assert_allclose(found.intercepts[k], peer.intercept_, atol=1e-10)
        score = peer.score(masks, answers[:, k], sample_weight=closeness)
        np.testing.assert_allclose(found.r2[k], score, atol=1e-10)


def test_a_linear_answer_is_found_without_error():
    masks, group = draw_masks(0, 2000, 8, "balanced")
    truth = RNG.normal(size=(8, 2))
    found = ridge.fit(masks, masks @ truth + [0.3, -1], group)
    np.testing.assert_allclose(found.weights, truth, atol=0.02)  # the penalty pulls to 0
    np.testing.assert_allclose(found.r2, 1, atol=1e-3)
    assert found.standard_errors.max() < 0.002


def test_an_answer_that_never_changes_is_explained_by_nothing():
    masks, group = draw_masks(0, 50, 8, "bernoulli")
    found = ridge.fit(masks, np.full((50, 2), 0.1, np.float32), group)
    np.testing.assert_allclose(found.weights, 0, atol=1e-7)
    np.testing.assert_array_equal(found.r2, 0)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_standard_errors_are_the_spread_over_seeds(sampling):
    # An answer with interactions of two and three regions, as networks give.
    pairs, triples = RNG.normal(size=(2, 10))

    def answer(masks):
        pair = (masks * np.roll(masks, 1, axis=1)) @ pairs
        triple = (masks * np.roll(masks, 2, axis=1) * np.roll(masks, 5, axis=1)) @ triples
        return np.tanh(0.5 * (pair + triple))[:, None]

    fits = []
    for seed in range(150):
        masks, group = draw_masks(seed, 257, 10, sampling)
        fits.append(ridge.fit(masks, answer(masks.astype(float)), group))
    spread = np.std([f.weights[:, 0] for f in fits], axis=0, ddof=1)
    said = np.mean([f.standard_errors[:, 0] for f in fits], axis=0)
    ratio = np.sqrt((said**2).mean() / (spread**2).mean())
    # Balanced blocks spread a little less than their pairs, taken for independent, let expect.
    assert 0.9 < ratio < 1.1, ratio


def test_antithetic_masks_need_fewer_samples_where_regions_interact_in_pairs():
    interactions = RNG.normal(size=(12, 12))

    def spread(sampling):
        weights = []
        for seed in range(60):
            masks, group = draw_masks(seed, 201, 12, sampling)
            x = np.where(masks, 1.0, -1.0)
            answers = np.einsum("ni,ij,nj->n", x, interactions, x)[:, None]
            weights.append(ridge.fit(masks, answers, group).weights[:, 0])
        return np.std(weights, axis=0).mean()

    # Half the variance is half the samples.
    assert spread("antithetic") < spread("bernoulli") / 2**0.5
    assert spread("balanced") < spread("bernoulli") / 2**0.5


def _saturating(masks):
    """Two classes whose odds are linear in the regions but for one interaction; far from linear."""
    effects = np.linspace(-3, 3, masks.shape[1])
    odds = masks @ effects + 2 * masks[:, 0] * masks[:, 1]
    p = 1 / (1 + np.exp(-odds))
    return np.stack([1 - p, p], axis=1)


def _controlled(seed, n, sampling="bernoulli"):
    masks, group = draw_masks(seed, n, 10, sampling)
    return ridge.fit_controlled(masks, _saturating(masks), group, seed)


def test_a_control_variate_changes_the_noise_and_not_the_weights():
    # All 1024 masks, which LIME's random ones are drawn from: what both estimate.
    every = (np.arange(1024)[:, None] >> np.arange(10) & 1).astype(bool)
    truth = ridge.fit(every, _saturating(every), np.arange(1024)).weights[:, 1]
    plain, controlled = [], []
    for seed in range(80):
        masks, group = draw_masks(seed, 1024, 10, "bernoulli")
        plain.append(ridge.fit(masks, _saturating(masks), group).weights[:, 1])
        controlled.append(_controlled(seed, 1024).weights[:, 1])
    plain, controlled = np.array(plain), np.array(controlled)
    error = controlled.std(axis=0) / np.sqrt(len(controlled))
    np.testing.assert_array_less(np.abs(controlled.mean(axis=0) - truth), 5 * error + 1e-4)
    # Half the variance is half the evaluations.
    assert controlled.std(axis=0).mean() < plain.std(axis=0).mean() / 2**0.5


def test_a_logistic_answer_leaves_no_noise_but_that_of_its_own_masks():
    plain, controlled = [], []
    for seed in range(20):
        masks, group = draw_masks(seed, 400, 10, "bernoulli")
        odds = masks @ np.linspace(-1, 1, 10)
        answers = np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)
        plain.append(ridge.fit(masks, answers, group).weights[:, 1])
        controlled.append(ridge.fit_controlled(masks, answers, group, seed).weights[:, 1])
    # 400 masks against MANY.
    assert np.std(controlled, axis=0).mean() < np.std(plain, axis=0).mean() / 3


def test_a_control_variates_standard_errors_are_the_spread_over_seeds():
    fits = [_controlled(seed, 257) for seed in range(150)]
    spread = np.std([f.weights[:, 1] for f in fits], axis=0, ddof=1)
    said = np.mean([f.standard_errors[:, 1] for f in fits], axis=0)
    assert 0.9 < np.sqrt((said**2).mean() / (spread**2).mean()) < 1.15


def test_a_control_variate_stands_answers_of_nought():
    masks, group = draw_masks(0, 100, 8, "balanced")
    answers = np.stack([masks[:, 0], ~masks[:, 0]], axis=1).astype(np.float32)
    found = ridge.fit_controlled(masks, answers, group, 0)
    assert np.isfinite(found.weights).all()
    assert found.weights[0, 0] > 0.8
    assert np.abs(found.weights[1:]).max() < 0.1
