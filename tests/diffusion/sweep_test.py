import time

import numpy as np
import pytest

from synthmed_jax.diffusion import sweep
from synthmed_jax.diffusion.sweep import SweepSettings
from synthmed_jax.errors import UserError

SETTINGS = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=3)


def compiled(sampler, steps):
    level = {"ddpm": 10, "dpm_solver_pp": 20}[sampler]
    return lambda which: np.full((4, 2, 2, 1), level + which, np.uint8), steps


def test_every_candidate_is_drawn_and_compared_with_the_first():
    rows = sweep.compare(SETTINGS, compiled, lambda x: float(x[0, 0, 0, 0]), lambda x: None)
    assert [row["distances"] for row in rows] == [[10, 11, 12], [20, 21, 22]]
    assert [row["evaluations"] for row in rows] == [100, 10]
    assert (rows[0]["ratio"], rows[0]["ratio_interval"]) == (1, (1, 1))
    logs = np.log([20 / 10, 21 / 11, 22 / 12])
    assert rows[1]["ratio"] == pytest.approx(np.exp(logs.mean()))
    low, high = rows[1]["ratio_interval"]
    # Student's t with two degrees of freedom: 4.303 standard errors.
    assert np.log(high / low) == pytest.approx(2 * 4.3027 * logs.std(ddof=1) / np.sqrt(3), rel=1e-4)
    table = sweep.to_markdown(rows)
    assert "| dpm_solver_pp | 10 | 10 | 21 ± 1 | 1.91 (" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_what_is_done_but_once_is_no_part_of_the_rate():
    def slowly_compiled(sampler, steps):
        time.sleep(0.3)
        draw, _ = compiled(sampler, steps)
        return lambda which: (time.sleep(0.01), draw(which))[1], steps

    settings = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=2)
    rows = sweep.compare(settings, slowly_compiled, lambda x: 1.0, lambda x: None)
    assert all(4 / 0.1 < row["images_per_second"] < 4 / 0.01 for row in rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": ("ddpm:10",)}, "two or more"),
        ({"candidates": ("ddpm:10", "ddin:10")}, "did you mean 'ddim'"),
        ({"candidates": ("ddpm:10", "ddim")}, "ddim:20"),
        ({"seeds": 1}, "at least 2"),
        ({"per_class": 0}, "per_class=0"),
    ],
)
def test_bad_settings_say_what_to_do(changes, message):
    values = {"candidates": ("ddpm:10", "ddim:10"), "per_class": 1, "seeds": 2}
    with pytest.raises(UserError, match=message):
        SweepSettings(**values | changes)
