import time

import numpy as np
import pytest

from synthmed_jax.diffusion import sweep
from synthmed_jax.diffusion.generate_settings import SweepSettings
from synthmed_jax.results.sweep import SweepResult, SweepRow
from synthmed_jax.statistics.kernel_distance import (
    KernelDistance,
    kernel_distance,
    paired_difference,
)

SETTINGS = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=3)


def compiled(sampler, steps):
    level = {"ddpm": 10, "dpm_solver_pp": 20}[sampler]
    return lambda which: np.full((4, 2, 2, 1), level + which, np.uint8), steps


def level_of(images):
    """A distance of which one half depends on the real images, two of them."""
    level = float(images[0, 0, 0, 0])
    return KernelDistance(level, np.array([0, 1]) * level / 100)


def test_every_candidate_is_drawn_and_compared_with_the_first():
    rows = sweep.compare(SETTINGS, compiled, level_of, lambda x: None)
    assert [(row.sampler, row.steps) for row in rows] == [("ddpm", 100), ("dpm_solver_pp", 10)]
    assert [row.distances for row in rows] == [(10, 11, 12), (20, 21, 22)]
    assert [row.nearness for row in rows] == [(None, None, None)] * 2
    assert [row.evaluations for row in rows] == [100, 10]
    assert (rows[0].difference, rows[0].difference_interval) == (0, (0, 0))
    of = [[level_of(np.full((1, 1, 1, 1), n + i)) for i in range(3)] for n in (20, 10)]
    mean, low, high = paired_difference(*of)
    assert (rows[1].difference, rows[1].difference_interval) == (mean, (low, high))
    assert low < mean == 10 < high


def row(sampler="heun", difference=0.5, interval=(0.1, 0.9), nearness=(0.9, None, 1.1)):
    return SweepRow(sampler, 10, 19, (20.0, 21.0, 22.0), nearness, 12.0, difference, interval)


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ((0.1, 0.9), "farther"),
        ((-0.9, -0.1), "nearer"),
        ((-0.1, 0.9), "can't be told apart"),
        ((0.0, 0.9), "can't be told apart"),
    ],
)
def test_what_the_interval_holds_can_not_be_told_apart(interval, says):
    assert sweep.against_first(row(interval=interval)) == says


def test_the_table_has_one_line_per_row_and_says_of_how_many_images():
    rows = (
        row("ddpm", 0.0, (0.0, 0.0), (None, None, None)),
        row(),
        row("ddim", -0.25, (-0.75, 0.25)),
    )
    result = SweepResult("kernel distance", "64", "val", 50, 1600, 3, rows)
    lines = sweep.to_markdown(result).splitlines()
    assert "kernel distance | less that of ddpm, 10 steps (95 %) |" in lines[0]
    assert "nearness to fit (exploratory)" in lines[0]
    assert lines[2] == "| ddpm | 10 | 19 | 21 ± 1 | - | the yardstick | - | 12.00 |"
    assert lines[3] == "| heun | 10 | 19 | 21 ± 1 | +0.5 (+0.1 to +0.9) | farther | 1.00 | 12.00 |"
    assert "| -0.25 (-0.75 to +0.25) | can't be told apart |" in lines[4]
    assert {line.count("|") for line in lines[:5]} == {9}
    assert "3 sets of 1600 images, to 50 real images (val)" in lines[6]
    assert len(lines) == 7


def test_a_candidate_that_copies_fit_is_not_nearer_than_one_that_draws_unseen_images():
    """The unseen images are real ones: no generator can do better."""
    rng = np.random.default_rng(0)

    def real(count):
        """Images whose pixels vary together, as those of one anatomy do."""
        shade = rng.normal(128, 30, (count, 1, 1, 1))
        return np.clip(shade + rng.normal(0, 20, (count, 3, 3, 1)), 0, 255).astype(np.uint8)

    def features(images):
        return images.reshape(len(images), -1) / 64 - 2

    def copies_against_unseen(reference, fit):
        def drawn(sampler, steps):
            if sampler == "ddpm":
                return lambda which: real(200), steps
            return lambda which: fit[rng.integers(0, len(fit), 200)], steps

        rows = sweep.compare(
            SETTINGS,
            drawn,
            lambda x: kernel_distance(features(x), features(reference)),
            lambda x: None,
        )
        return rows[1]

    to_val, to_both = [], []
    for _ in range(60):
        fit, val = real(90), real(40)
        to_val.append(copies_against_unseen(val, fit))
        to_both.append(copies_against_unseen(np.concatenate([fit, val]), fit))
    assert "nearer" not in map(sweep.against_first, to_val)
    lead = np.array([row.difference for row in to_val])
    assert lead.mean() > 2 * lead.std() / len(lead) ** 0.5
    # Compared with fit and val, as sweeps were before, copies come out ahead of unseen images.
    lead = np.array([row.difference for row in to_both])
    assert lead.mean() < -2 * lead.std() / len(lead) ** 0.5


def test_what_is_done_once_per_candidate_is_no_part_of_the_rate():
    def slowly_compiled(sampler, steps):
        time.sleep(0.3)
        draw, _ = compiled(sampler, steps)
        return lambda which: (time.sleep(0.01), draw(which))[1], steps

    settings = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=2)
    rows = sweep.compare(settings, slowly_compiled, level_of, lambda x: None)
    assert all(4 / 0.1 < row.images_per_second < 4 / 0.01 for row in rows)
