"""Intervals over images and seeds, held against simulated experiments whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from synthmed_jax.statistics.two_level import two_level_estimate

GROUPS = 60


def mean(sums):
    return sums[:, 0] / sums[:, 1]


def experiment(rng, seeds, of_seed, of_image, of_both, groups=GROUPS):
    """Sums f64[S,G,2] of differences whose mean is 0; each seed tests 80 % of the images."""
    values = (
        rng.normal(0, of_seed, (seeds, 1))
        + rng.normal(0, of_image, groups)
        + rng.normal(0, of_both, (seeds, groups))
    )
    tested = rng.random((seeds, groups)) < 0.8
    return np.stack([values * tested, tested], axis=2)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    "spread",
    [(0.02, 0.05, 0.05), (0, 0.1, 0.02), (0.03, 0.02, 0.02), (0.02, 0.15, 0.15)],
    ids=["both", "images alone", "seeds most", "images most"],
)
def test_intervals_cover_the_truth(seeds, spread):
    rng = np.random.default_rng(0)
    found = [
        two_level_estimate(experiment(rng, seeds, *spread), mean, i, draws=200) for i in range(400)
    ]
    # The simulation's own standard error is 0.011. They may cover more: see the module.
    assert np.mean([each.low <= 0 <= each.high for each in found]) >= 0.93


def test_images_that_all_seeds_share_are_not_averaged_away():
    """Why images are not drawn anew in each seed: that covers less the more seeds there are."""
    rng, covered, ours = np.random.default_rng(1), [], []
    for i in range(200):
        sums = experiment(rng, 10, 0, 0.1, 0.02)
        nested = np.stack(
            [
                mean(rng.multinomial(GROUPS, [1 / GROUPS] * GROUPS, 200) @ of_seed)
                for of_seed in sums
            ]
        )
        drawn = np.take_along_axis(nested, rng.integers(0, 10, nested.shape), axis=0).mean(axis=0)
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered.append(low <= 0 <= high)
        each = two_level_estimate(sums, mean, i, draws=200)
        ours.append(each.low <= 0 <= each.high)
    assert np.mean(covered) < 0.8
    assert np.mean(ours) > 0.9


def test_the_parts_are_what_they_are_called():
    # Three seeds, whose images are all alike: what is left is Student's interval over seeds.
    sums = np.array([[[x * 10, 10.0]] * 20 for x in (0.01, 0.02, 0.06)])
    found = two_level_estimate(sums, mean, 0, draws=100)
    error = np.std([0.01, 0.02, 0.06], ddof=1) / np.sqrt(3)
    assert found.estimate == pytest.approx(0.03)
    assert found.error_over_images == pytest.approx(0, abs=1e-12)
    assert found.error_over_seeds == pytest.approx(error)
    assert found.high - 0.03 == pytest.approx(stats.t.ppf(0.975, 2) * error)
    assert (found.num_seeds, found.num_groups) == (3, 20)
    # Three equal seeds: images alone.
    one = experiment(np.random.default_rng(0), 1, 0, 0.1, 0)[0]
    same = two_level_estimate([one] * 3, mean, 0)
    values = one[one[:, 1] > 0, 0]
    assert same.error_over_seeds == 0
    assert same.error_over_images == pytest.approx(values.std(ddof=1) / len(values) ** 0.5, rel=0.1)


def test_p_goes_with_the_interval():
    sums = experiment(np.random.default_rng(3), 4, 0.03, 0.05, 0.05)
    found = two_level_estimate(sums, mean, 0, draws=500)
    assert found.p_not_above(found.low) == pytest.approx(0.025)
    assert found.p_not_above(found.estimate) == pytest.approx(0.5)
    assert found.p_not_above(found.low - 0.01) < 0.025 < found.p_not_above(found.low + 0.01)
    certain = two_level_estimate(np.ones((3, 5, 2)), mean, 0, draws=50)
    assert (certain.low, certain.high) == (1, 1)
    assert (certain.p_not_above(0.5), certain.p_not_above(1.0)) == (0, 1)


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="takes 2 or more, got 1"):
        two_level_estimate(np.ones((1, 5, 2)), mean, 0)
