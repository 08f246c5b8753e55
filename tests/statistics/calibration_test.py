import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn import metrics

from synthmed_jax.statistics.calibration import (
    at_temperature,
    brier_score,
    calibration_error,
    determines_temperature,
    fit_temperature,
    folded_normal_mean,
    log_loss,
    with_prior,
)


def drawn(n, sharpness=1.0, seed=0, classes=4):
    """Labels drawn from probabilities, and those probabilities made sharper than they should be."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    true = special.softmax(logits, axis=1)
    labels = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    return special.softmax(sharpness * logits, axis=1), labels


def test_losses_are_those_of_scikit_learn():
    probabilities, labels = drawn(200)
    assert log_loss(probabilities, labels) == pytest.approx(metrics.log_loss(labels, probabilities))
    two, labels = drawn(200, classes=2)
    # That of two classes is half the sum over both.
    expected = metrics.brier_score_loss(labels, two[:, 1])
    assert brier_score(two, labels) == pytest.approx(2 * expected)


def test_sure_answers_have_the_scores_of_the_tables():
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert brier_score(sure, np.array([0, 1])) == 1.0
    assert log_loss(sure, np.array([0, 1])) == pytest.approx(-np.log(1e-12) / 2)
    error = calibration_error(sure, np.array([0, 1]), bins=1)
    assert (error.plain, error.if_calibrated) == (0.5, 0.0)


def test_calibration_error_by_hand():
    confidence = np.array([0.6, 0.7, 0.8, 0.9])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([0, 1, 0, 0])
    error = calibration_error(probabilities, labels, bins=2)
    assert error.plain == pytest.approx((abs(0.65 - 0.5) + abs(0.85 - 1)) / 2)
    spreads = [np.sqrt(0.6 * 0.4 + 0.7 * 0.3) / 2, np.sqrt(0.8 * 0.2 + 0.9 * 0.1) / 2]
    assert error.if_calibrated == pytest.approx(np.sqrt(2 / np.pi) * np.mean(spreads))


def test_a_calibrated_network_shows_the_bias_and_nothing_else():
    found = [calibration_error(*drawn(300, seed=seed)) for seed in range(200)]
    plain, expected, debiased = np.mean(
        [(e.plain, e.if_calibrated, e.debiased) for e in found], axis=0
    )
    assert plain == pytest.approx(expected, rel=0.05)
    assert plain > 0.04
    assert debiased < 0.6 * plain


@pytest.mark.parametrize("sharpness", [0.4, 2.5])
def test_debiased_it_is_nearer_to_that_of_many_images(sharpness):
    truth = calibration_error(*drawn(200_000, sharpness)).plain
    few = [calibration_error(*drawn(150, sharpness, seed)) for seed in range(200)]
    plain, debiased = np.mean([(e.plain, e.debiased) for e in few], axis=0)
    assert abs(debiased - truth) < abs(plain - truth)
    assert debiased == pytest.approx(truth, abs=0.015)


@given(st.floats(-3, 3), st.floats(0, 3))
def test_the_mean_of_a_folded_normal(mean, std):
    exact = folded_normal_mean(mean, std)
    assert exact >= abs(mean) - 1e-12
    grid = mean + std * special.ndtri((np.arange(4000) + 0.5) / 4000)
    assert exact == pytest.approx(np.abs(grid).mean(), abs=2e-3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    probabilities, labels = drawn(20_000, sharpness=temperature)
    assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.05)


@given(st.integers(0, 50))
def test_no_other_temperature_has_a_lower_loss(seed):
    probabilities, labels = drawn(40, 2.0, seed)
    best = fit_temperature(probabilities, labels)
    losses = [log_loss(at_temperature(probabilities, best * f), labels) for f in (1, 0.97, 1.03, 9)]
    assert losses[0] == min(losses)
    at_best = at_temperature(probabilities, best)
    np.testing.assert_array_equal(at_best.argmax(axis=1), probabilities.argmax(axis=1))
    np.testing.assert_allclose(at_best.sum(axis=1), 1)


def test_answers_that_are_all_right_end_at_the_coldest():
    sure = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert fit_temperature(sure, np.array([0, 1])) < 0.1


@pytest.mark.parametrize("num_wrong", [0, 1])
def test_a_wrong_answer_limits_how_sure_answers_may_be(num_wrong):
    labels = np.arange(6) % 2
    probabilities = np.where(np.eye(2)[labels] == 1, 0.8, 0.2)
    labels[:num_wrong] = 1 - labels[:num_wrong]
    assert determines_temperature(probabilities, labels) == bool(num_wrong)
    assert (fit_temperature(probabilities, labels) > 0.1) == bool(num_wrong)


@pytest.mark.parametrize(("num_right", "determined"), [(2, False), (3, False), (4, True)])
def test_answers_that_say_nothing_of_the_images_limit_nothing(num_right, determined):
    labels = np.arange(6) % 2
    probabilities = np.where(np.eye(2)[labels] == 1, 0.8, 0.2)
    probabilities[num_right:] = 1 - probabilities[num_right:]
    assert determines_temperature(probabilities, labels) == determined
    assert (fit_temperature(probabilities, labels) < 40) == determined


def test_bayes_rule_moves_a_prior():
    likelihood = np.array([[0.2, 0.6], [0.5, 0.1]])  # of two images, under both classes
    posterior = likelihood * [0.5, 0.5]
    posterior /= posterior.sum(axis=1, keepdims=True)
    moved = with_prior(posterior, np.array([0.5, 0.5]), np.array([0.9, 0.1]))
    expected = likelihood * [0.9, 0.1]
    np.testing.assert_allclose(moved, expected / expected.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(
        with_prior(moved, np.array([0.9, 0.1]), np.array([0.5, 0.5])), posterior
    )
    with pytest.raises(ValueError, match="none of a class"):
        with_prior(posterior, np.array([1.0, 0.0]), np.array([0.5, 0.5]))
