import numpy as np
import pytest

from synthmed_jax.audit.copy_excess import (
    STRICT_FALSE_ALARMS,
    copies_p,
    excess_p,
    strict_thresholds,
)
from synthmed_jax.audit.copy_threshold import exact_rate


def normal_likeness(n, seed):
    """Likeness whose -log(1 - likeness) is normal, as that of different images nearly is."""
    return 1 - np.exp(-np.random.default_rng(seed).normal(2, 0.5, n))


def test_hardly_a_different_image_passes_the_strict_threshold():
    many = normal_likeness(100_000, 1)
    for seed in range(10):
        limit = strict_thresholds({"a": normal_likeness(450, seed + 2)})["a"]
        assert (many > limit).mean() <= STRICT_FALSE_ALARMS
        assert limit < 0.9999  # and a copy does


def test_two_spaces_share_the_strict_false_alarms():
    alike = normal_likeness(450, 0)
    assert strict_thresholds({"a": alike, "b": alike})["b"] > strict_thresholds({"a": alike})["a"]


def test_no_tail_is_described_from_few_images():
    assert strict_thresholds({"a": normal_likeness(90, 0)}) == {}


@pytest.mark.parametrize(
    ("flagged", "strictly", "is_found"),
    [
        (32, 0, False),  # as many as false alarms
        (256, 3, False),  # as images that are smoother than real ones
        (64, 32, True),  # exact copies, 1 in 100
        (640, 0, True),  # changed copies, every fifth
        (0, 0, False),
    ],
)
def test_copies_are_told_from_false_alarms_and_from_smoothness(flagged, strictly, is_found):
    p = copies_p(exact_rate(flagged, 3200), exact_rate(strictly, 3200), 2)
    assert (p < 0.01) == is_found
    assert 0 <= p <= 1


def test_the_uncertainty_of_the_false_alarm_rate_is_heeded():
    of_few = excess_p(exact_rate(50, 3200), exact_rate(2, 200))
    of_many = excess_p(exact_rate(50, 3200), exact_rate(200, 20_000))
    assert of_few > 0.05 > 0.01 > of_many


def test_p_keeps_its_promise_where_there_are_no_copies():
    rng = np.random.default_rng(0)

    def draw(n, share):
        return exact_rate(int(rng.binomial(n, share)), n)

    of_excess = [excess_p(draw(1000, 0.01), draw(450, 0.01)) for _ in range(300)]
    of_copies = [copies_p(draw(1000, 0.05), draw(1000, STRICT_FALSE_ALARMS), 2) for _ in range(300)]
    for found in (of_excess, of_copies):
        assert np.mean(np.array(found) < 0.05) <= 0.05
