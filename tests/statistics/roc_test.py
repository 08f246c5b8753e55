import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from synthmed_jax.statistics import roc


def both(n=40, m=60, shift=0.7, seed=0):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(shift, 1, n), 1), np.round(rng.normal(0, 1, m), 1)


def as_labels(first, second):
    return np.repeat([1, 0], [len(first), len(second)]), np.concatenate([first, second])


def test_area_and_curve_are_scikit_learns_with_ties():
    first, second = both()
    labels, scores = as_labels(first, second)
    assert roc.rank_area(first, second) == pytest.approx(roc_auc_score(labels, scores))
    false, true = roc.curve(first, second)
    expected = roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])


def test_the_standard_error_is_delongs_by_its_definition():
    first, second = both(12, 9)
    wins = (first[:, None] > second).astype(float) + 0.5 * (first[:, None] == second)
    expected = np.var(wins.mean(1), ddof=1) / 12 + np.var(wins.mean(0), ddof=1) / 9
    assert roc.estimate_area(first, second).standard_error == pytest.approx(np.sqrt(expected))


def test_images_that_are_given_twice_are_no_further_witnesses():
    first, second = both()
    once = roc.estimate_area(first, second)
    groups = [np.repeat(np.arange(len(each)), 2) for each in (first, second)]
    twice = roc.estimate_area(np.repeat(first, 2), np.repeat(second, 2), *groups)
    assert (twice.value, twice.num_groups) == (pytest.approx(once.value), (40, 60))
    assert twice.standard_error == pytest.approx(once.standard_error)
    assert twice.low == pytest.approx(once.low)
    assert roc.estimate_area(np.repeat(first, 2), np.repeat(second, 2)).low > twice.low


@pytest.mark.parametrize(("shift", "area"), [(0.0, 0.5), (1.0, 0.7602)])
@pytest.mark.parametrize("size", [1, 4])
def test_the_interval_holds_the_true_area(shift, area, size):
    """Normal scores, `shift` deviations apart; within a group half of the variance is shared."""
    rng, held = np.random.default_rng(1), 0
    groups = np.repeat(np.arange(40), size)

    def scores(mean):
        shared = 0.0 if size == 1 else 0.5
        of_groups = rng.normal(0, np.sqrt(shared), 40)[groups]
        return mean + of_groups + rng.normal(0, np.sqrt(1 - shared), 40 * size)

    for _ in range(300):
        found = roc.estimate_area(scores(shift), scores(0), groups, groups)
        held += found.low <= area <= found.high
    assert held >= 278  # 95 % less two and a half standard errors


def test_scores_that_never_cross_leave_something_to_doubt():
    found = roc.estimate_area(np.arange(20) + 100.0, np.arange(20.0))
    assert (found.value, found.high, found.standard_error) == (1, 1, 0)
    assert 0.8 < found.low < 0.99
    assert not found.covers_chance
    assert roc.p_above_chance(found) < 1e-4


def test_the_detectable_area_is_found_four_times_of_five():
    rng, n = np.random.default_rng(2), 80
    area = roc.estimate_area(rng.normal(size=n), rng.normal(size=n)).detectable
    shift = np.sqrt(2) * stats.norm.ppf(area)
    found = [
        roc.estimate_area(rng.normal(shift, 1, n), rng.normal(0, 1, n)).low > 0.5
        for _ in range(400)
    ]
    assert 0.73 < np.mean(found) < 0.87


@pytest.mark.parametrize(
    ("allowed", "hits", "false_alarms"), [(0.0, 2, 0), (0.04, 2, 0), (0.05, 3, 1), (0.1, 4, 2)]
)
def test_hits_at_few_false_alarms(allowed, hits, false_alarms):
    second = np.arange(20.0)
    found = roc.hit_rate(np.array([30, 25, 18.5, 17.5, 3]), second, allowed)
    assert (found.hits, found.false_alarms, found.share) == (hits, false_alarms, hits / 5)
    exact = stats.beta.ppf([0.025, 0.975], [hits, hits + 1], [5 - hits + 1, 5 - hits])
    assert (found.low, found.high) == pytest.approx(tuple(exact))


def test_equal_scores_are_no_hits():
    assert roc.hit_rate(np.zeros(5), np.zeros(20), 0.1).hits == 0


def test_the_p_value_is_one_sided():
    first, second = both(200, 200)
    assert roc.p_above_chance(roc.estimate_area(first, second)) < 1e-4
    assert roc.p_above_chance(roc.estimate_area(second, first)) > 1 - 1e-4


@pytest.mark.parametrize("first", [[1.0], [1.0, np.nan]])
def test_what_can_not_be_estimated_is_refused(first):
    with pytest.raises(ValueError, match=r"groups|finite"):
        roc.estimate_area(np.array(first), np.arange(5.0))
