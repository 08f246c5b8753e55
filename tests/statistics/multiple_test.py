import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synthmed_jax.statistics.intervals import mean_estimate
from synthmed_jax.statistics.multiple import adjust_by_holm, corrected_estimate

P = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_by_hand():
    # Four tests, of the smallest p on: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04 raised to 0.06.
    assert adjust_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_by_holm([0.6, 0.7]) == [1.0, 1.0]
    assert adjust_by_holm([]) == []


@given(P)
def test_holm_lies_between_the_p_values_and_bonferronis(p):
    adjusted = np.array(adjust_by_holm(p))
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_keeps_the_chance_of_any_false_finding():
    rng = np.random.default_rng(0)
    false = [min(adjust_by_holm(rng.random(5))) <= 0.05 for _ in range(3000)]
    assert np.mean(false) == pytest.approx(0.05, abs=0.012)


def test_overlapping_trainings_vary_too_little():
    differences = [1.0, 2.5, 1.5, 3.0, 2.0]
    plain = mean_estimate(differences)
    corrected = corrected_estimate(differences, left_out=1 / 4)
    assert (corrected.n, corrected.mean, corrected.std) == (5, plain.mean, plain.std)
    # (1/5 + 1/4) s^2 instead of s^2 / 5.
    ratio = (corrected.high - corrected.low) / (plain.high - plain.low)
    assert ratio == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * 5))
    half = stats.t.ppf(0.975, 4) * np.std(differences, ddof=1) * np.sqrt(0.45)
    assert corrected.high == pytest.approx(2.0 + half)
    assert corrected_estimate(differences, left_out=0.0) == pytest.approx(plain)


def test_one_training_has_no_interval():
    assert corrected_estimate([0.3], 0.25) == mean_estimate([0.3])
    assert corrected_estimate([], 0.25) == mean_estimate([])
