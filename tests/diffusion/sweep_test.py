import time

import numpy as np

from synthmed_jax.diffusion import sweep
from synthmed_jax.diffusion.settings import SweepSettings
from synthmed_jax.results.sweep import SweepRow
from synthmed_jax.statistics.intervals import ratio_interval

SETTINGS = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=3)


def compiled(sampler, steps):
    level = {"ddpm": 10, "dpm_solver_pp": 20}[sampler]
    return lambda which: np.full((4, 2, 2, 1), level + which, np.uint8), steps


def test_every_candidate_is_drawn_and_compared_with_the_first():
    rows = sweep.compare(SETTINGS, compiled, lambda x: float(x[0, 0, 0, 0]), lambda x: None)
    assert [(row.sampler, row.steps) for row in rows] == [("ddpm", 100), ("dpm_solver_pp", 10)]
    assert [row.distances for row in rows] == [(10, 11, 12), (20, 21, 22)]
    assert [row.nearness for row in rows] == [(None, None, None)] * 2
    assert [row.evaluations for row in rows] == [100, 10]
    assert (rows[0].ratio, rows[0].ratio_interval) == (1, (1, 1))
    expected = ratio_interval((20, 21, 22), (10, 11, 12))
    assert (rows[1].ratio, rows[1].ratio_interval) == expected


def test_the_table_has_one_line_per_row():
    rows = [
        SweepRow("ddpm", 100, 100, (10.0, 11.0, 12.0), (None, None, None), 1.5, 1.0, (1.0, 1.0)),
        SweepRow("heun", 10, 19, (20.0, 21.0, 22.0), (0.9, None, 1.1), 12.0, 1.909, (1.71, 2.12)),
    ]
    lines = sweep.to_markdown(rows).splitlines()
    assert "ratio to ddpm, 100 steps (95 %)" in lines[0]
    assert lines[2] == "| ddpm | 100 | 100 | 11 ± 1 | 1.00 (1.00 to 1.00) | - | 1.50 |"
    assert lines[3] == "| heun | 10 | 19 | 21 ± 1 | 1.91 (1.71 to 2.12) | 1.00 | 12.00 |"
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {8}


def test_what_is_done_once_per_candidate_is_no_part_of_the_rate():
    def slowly_compiled(sampler, steps):
        time.sleep(0.3)
        draw, _ = compiled(sampler, steps)
        return lambda which: (time.sleep(0.01), draw(which))[1], steps

    settings = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=2)
    rows = sweep.compare(settings, slowly_compiled, lambda x: 1.0, lambda x: None)
    assert all(4 / 0.1 < row.images_per_second < 4 / 0.01 for row in rows)
