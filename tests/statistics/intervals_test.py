import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.statistics.intervals import ratio_interval

positive = st.floats(0.01, 100)
pairs = st.lists(st.tuples(positive, positive), min_size=2, max_size=10)


def test_equal_values_have_a_ratio_of_1_without_doubt():
    assert ratio_interval((10, 11, 12), (10, 11, 12)) == (1, (1, 1))


def test_the_ratio_is_a_geometric_mean_with_student_s_interval():
    logs = np.log([20 / 10, 21 / 11, 22 / 12])
    ratio, (low, high) = ratio_interval((20, 21, 22), (10, 11, 12))
    assert ratio == pytest.approx(np.exp(logs.mean()))
    # Student's t with two degrees of freedom: 4.303 standard errors.
    assert np.log(high / low) == pytest.approx(2 * 4.3027 * logs.std(ddof=1) / np.sqrt(3), rel=1e-4)
    assert np.sqrt(low * high) == pytest.approx(ratio)


@given(pairs)
def test_the_other_way_round_everything_is_inverted(values):
    numerator, denominator = zip(*values, strict=True)
    ratio, (low, high) = ratio_interval(numerator, denominator)
    inverse, (inverse_low, inverse_high) = ratio_interval(denominator, numerator)
    np.testing.assert_allclose(
        [inverse, inverse_low, inverse_high], [1 / ratio, 1 / high, 1 / low], rtol=1e-9
    )


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    rng = np.random.default_rng(0)
    trials, level = 1000, 0.8
    hits = 0
    for _ in range(trials):
        reference = rng.lognormal(0, 1, 4)
        values = reference * rng.lognormal(np.log(1.5), 0.2, 4)
        _, (low, high) = ratio_interval(values, reference, level)
        hits += low <= 1.5 <= high
    assert abs(hits / trials - level) < 5 * np.sqrt(level * (1 - level) / trials)
