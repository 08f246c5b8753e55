import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from synthmed_jax.statistics.paired import (
    balanced_accuracy_of,
    balanced_difference,
    mcnemar_test,
    permutation_test,
)

HITS = st.lists(st.tuples(*[st.integers(0, 1)] * 2, st.integers(0, 2)), min_size=2, max_size=40)


def answers(seed, n=300, good=0.9, bad=0.8):
    rng = np.random.default_rng(seed)
    first, second = (rng.random(n) < p for p in (good, bad))
    return first.astype(float), second.astype(float), rng.integers(0, 3, n)


@given(HITS)
def test_the_estimate_is_the_difference_of_balanced_accuracies(rows):
    first, second, labels = np.array(rows).T
    found = balanced_difference(first, second, labels, None, seed=0, draws=20)
    expected = [
        metrics.recall_score(labels, np.where(hits, labels, -1), labels=np.unique(labels),
                             average="macro", zero_division=0)
        for hits in (first, second)
    ]  # fmt: skip
    assert found.estimate == pytest.approx(expected[0] - expected[1])
    assert balanced_accuracy_of(first, labels, None, 0, 20).estimate == pytest.approx(expected[0])


@given(HITS)
def test_swapping_the_two_turns_the_sign(rows):
    first, second, labels = (np.array(column, float) for column in zip(*rows, strict=True))
    one = balanced_difference(first, second, labels, None, seed=1, draws=30)
    assert -1 <= one.low <= one.high <= 1
    other = balanced_difference(second, first, labels, None, seed=1, draws=30)
    assert other.estimate == pytest.approx(-one.estimate)
    assert permutation_test(first, second, labels, None, 1, 30) == pytest.approx(
        permutation_test(second, first, labels, None, 1, 30)
    )


def test_a_classifier_does_not_differ_from_itself():
    first, _, labels = answers(0)
    found = balanced_difference(first, first, labels, None, seed=0)
    assert (found.estimate, found.low, found.high, found.standard_error) == (0, 0, 0, 0)
    assert permutation_test(first, first, labels, None, seed=0) == 1


def test_plain_accuracies_where_all_labels_are_equal():
    first, second, labels = answers(1)
    found = balanced_difference(first, second, np.zeros_like(labels), None, seed=0)
    assert found.estimate == pytest.approx(first.mean() - second.mean())
    assert found.standard_error == pytest.approx(stats.sem(first - second), rel=0.03)


def test_pairing_makes_the_interval_narrower():
    """Two networks that fail on nearly the same images: apart, their intervals overlap."""
    rng = np.random.default_rng(0)
    first = (rng.random(2000) < 0.87).astype(float)
    second = np.where(rng.random(2000) < 0.02, 0.0, first)
    labels = np.zeros(2000, int)
    paired = balanced_difference(first, second, labels, None, seed=0)
    alone = [balanced_accuracy_of(hits, labels, None, seed=0) for hits in (first, second)]
    assert alone[1].high > alone[0].low
    assert paired.low > 0


def test_groups_that_fail_together_make_it_wider():
    first, second, labels = answers(2, n=100)
    groups = np.repeat(np.arange(100), 9)
    repeated = [np.repeat(each, 9) for each in (first, second, labels)]
    grouped = balanced_difference(*repeated, groups, seed=0)
    by_image = balanced_difference(*repeated, None, seed=0)
    assert grouped.standard_error == pytest.approx(3 * by_image.standard_error, rel=0.05)
    assert permutation_test(*repeated, groups, 0) > permutation_test(*repeated, None, 0)


def test_the_permutation_test_is_scipys():
    first, second, labels = answers(3, n=120)
    labels[:] = 0
    groups = np.arange(120) // 4
    sums = [np.bincount(groups, hits) for hits in (first, second)]
    second_opinion = stats.permutation_test(
        sums, lambda a, b: (a - b).mean(), permutation_type="samples", n_resamples=20_000, rng=0
    )
    found = permutation_test(first, second, labels, groups, seed=0, draws=20_000)
    assert found == pytest.approx(second_opinion.pvalue, abs=0.01)


def test_mcnemar_counts_the_images_that_one_alone_gets_right():
    first = np.array([True] * 30 + [False] * 10 + [True] * 60)
    second = np.array([False] * 30 + [True] * 10 + [True] * 60)
    assert mcnemar_test(first, second) == pytest.approx(stats.binomtest(30, 40).pvalue)
    assert mcnemar_test(second, first) == mcnemar_test(first, second)
    assert mcnemar_test(first, first) == 1


def test_arrays_of_other_lengths_are_no_pairs():
    with pytest.raises(ValueError, match="no pairs"):
        balanced_difference(np.ones(3), np.ones(2), np.zeros(3, int), None, seed=0)
