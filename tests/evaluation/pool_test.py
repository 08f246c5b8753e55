import numpy as np
import pytest

from synthmed_jax.evaluation.pool import pool_replicates, sums_by_unit, units_of
from synthmed_jax.statistics.multiple import adjust_by_holm
from synthmed_jax.statistics.paired import mean_recall
from tests.finished_runs import PER_GROUP, read_run, write_run

ARMS = ("synthetic", "real_augmented", "mixed_1to1")


def read(root):
    """Groups are in the names of the files."""
    found = read_run(root)
    numbers = [int(file.split("/")[1].removesuffix(".png")) for file in found.hits.files]
    return read_run(root, np.array(numbers) // PER_GROUP)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [read(write_run(folder / f"s{s}", s, arms=ARMS)) for s in range(5)]


def test_the_pooled_difference_is_the_mean_of_the_seeds_that_count(runs):
    pooled = pool_replicates(runs[::-1], {0}, draws=300)
    assert [(run.seed, run.is_development) for run in pooled.runs] == [
        (0, True),
        *((seed, False) for seed in (1, 2, 3, 4)),
    ]
    assert [each.name for each in pooled.differences] == [
        "D1",
        "D2",
    ]
    for each in pooled.differences:
        assert [of_seed.is_development for of_seed in each.of_seeds] == [True] + 4 * [False]
        counted = [of_seed.estimate for of_seed in each.of_seeds[1:]]
        assert each.pooled.estimate == pytest.approx(np.mean(counted))
        assert each.pooled.error_over_seeds == pytest.approx(np.std(counted, ddof=1) / 2)
        assert (each.pooled.num_seeds, each.unit) == (4, "group")
        assert each.is_shown == (each.p_adjusted <= 0.025)
    assert [each.p_adjusted for each in pooled.differences] == pytest.approx(
        adjust_by_holm([each.p for each in pooled.differences])
    )
    assert not pooled.is_curve
    assert [(point.arm, point.seeds) for point in pooled.curve] == [
        (arm, (1, 2, 3, 4)) for arm in ARMS
    ]


def test_a_planted_difference_is_shown_and_none_is_not(tmp_path):
    right = {"synthetic": 0.6, "real_augmented": 0.7, "mixed_1to1": 0.95}
    runs = [read(write_run(tmp_path / f"s{s}", s, arms=ARMS, right=right)) for s in (1, 2, 3)]
    worse, better = pool_replicates(runs, {0}, draws=300).differences
    assert better.is_shown
    assert better.pooled.low > 0.1
    assert worse.is_shown is False
    assert worse.pooled.estimate < -0.02


@pytest.mark.parametrize(
    ("seeds", "development", "num_pooled"),
    [((0, 1, 2), {0}, 2), ((0, 1), {0}, None), ((0, 1, 2), set(), 3), ((1, 2, 3), {2}, 2)],
)
def test_fewer_than_three_seeds_claim_nothing(runs, seeds, development, num_pooled):
    found = pool_replicates([runs[s] for s in seeds], development, draws=100).differences[0]
    if num_pooled is None:
        assert (found.pooled, found.p) == (None, None)
    else:
        assert found.pooled.num_seeds == num_pooled
    assert (found.is_shown is None) == (num_pooled != 3)


def test_sums_give_the_difference_that_the_run_has_itself(runs):
    named = [(run, run.declared[1]) for run in runs]
    for (_, declared), sums in zip(named, sums_by_unit(named), strict=True):
        assert mean_recall(sums.sum(axis=0, keepdims=True))[0] == pytest.approx(declared.estimate)


def test_an_image_is_of_one_unit_in_all_runs_and_groups_of_any_run_join_units(tmp_path):
    grouped, single = (
        read(write_run(tmp_path / "a", 1)),
        read_run(write_run(tmp_path / "b", 2, grouped=False)),
    )
    of_grouped, of_single = units_of([grouped, single])
    unit_of = dict(zip(grouped.hits.files, of_grouped, strict=True))
    for file, unit in zip(single.hits.files, of_single, strict=True):
        assert unit_of.get(file, unit) == unit
    assert len(set(of_grouped)) == len(set(grouped.groups))
    # Images that only the other run tests are units of their own there.
    alone = [u for f, u in zip(single.hits.files, of_single, strict=True) if f not in unit_of]
    assert len(set(alone)) == len(alone) > 0


def test_shares_of_real_images_make_a_curve_and_are_pooled_apart(tmp_path):
    runs = [
        read(write_run(tmp_path / f"{f}-{s}", s, fraction=f)) for f in (0.2, 0.1) for s in (0, 1, 2)
    ]
    found = pool_replicates(runs, {0}, draws=100)
    assert [(each.fraction, each.name) for each in found.differences] == [
        (0.1, "D1"),
        (0.2, "D1"),
    ]
    assert [(point.fraction, point.arm) for point in found.curve] == [
        (0.1, "synthetic"),
        (0.1, "real"),
        (0.2, "synthetic"),
        (0.2, "real"),
    ]
    scores = [
        next(c for c in run.evaluation.cells if c.arm == "real").mean.balanced_accuracy
        for run in runs
        if run.fraction == 0.2 and run.seed
    ]
    assert found.is_curve
    assert found.curve[3].seeds == (1, 2)
    assert found.curve[3].scores == pytest.approx(scores)
    assert found.curve[3].mean == pytest.approx(np.mean(scores))
