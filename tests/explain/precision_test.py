import numpy as np
import pytest

from synthmed_jax.explain import precision

WEIGHTS = np.array([0.01, 0.125, 0.25, -0.5])


def test_strongest_regions_are_largest_first_and_none_of_them_noise():
    assert precision.strongest(WEIGHTS) == [3, 2, 1]
    assert precision.strongest(WEIGHTS, 2) == [3, 2]
    assert precision.strongest(np.zeros(4)) == []


def test_the_error_is_of_the_regions_that_are_marked_over_the_largest_weight():
    errors = np.array([9.0, 0.03, 0.04, 0.05])
    expected = np.sqrt((0.03**2 + 0.04**2 + 0.05**2) / 3) / 0.5
    assert precision.relative_error(WEIGHTS, errors) == pytest.approx(expected)
    assert precision.relative_error(10 * WEIGHTS, 10 * errors) == pytest.approx(expected)


def test_at_most_five_regions_count():
    errors = np.array([1.0, 1, 1, 1, 1, 50, 50])
    weights = np.array([10.0, 10, 10, 10, 10, 9, 9])
    assert precision.relative_error(weights, errors) == pytest.approx(0.1)


def test_without_weights_there_is_nothing_to_be_unsure_of_and_without_errors_nothing_is_known():
    assert precision.relative_error(np.zeros(4), np.zeros(4)) == 0
    assert np.isnan(precision.relative_error(WEIGHTS, np.full(4, np.nan)))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (0.0, 1000),
        (0.9, 257),  # the first look at the errors is enough
        (0.001, 1000),
        (0.1, (257 + 1000 * 0.9**2 + 1000) / 3),  # typical errors of 0.024, 0.09 and 0.16
    ],
)
def test_the_samples_that_are_expected_lie_between_the_first_look_and_the_most(wanted, expected):
    assert precision.expected_samples(wanted, [257, 385, 1000]) == pytest.approx(expected)
