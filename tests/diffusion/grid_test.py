import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.diffusion.grid import SPACINGS, make_grid
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.errors import UserError


@given(
    st.sampled_from(sorted(SPACINGS)),
    st.sampled_from(["linear", "cosine", "sigmoid"]),
    st.integers(2, 300),
    st.data(),
)
def test_a_grid_falls_through_different_steps_from_the_noisiest(spacing, kind, total, data):
    schedule = make_schedule(kind, total)
    num_steps = data.draw(st.integers(1, total))
    grid = make_grid(schedule, num_steps, spacing)
    assert len(grid.t) == num_steps
    assert grid.t[0] == total - 1
    assert grid.t[-1] >= 0
    assert np.all(np.diff(grid.t) < 0)
    np.testing.assert_array_equal(grid.alpha_bar[:-1], schedule.alpha_bar[grid.t])
    assert grid.alpha_bar[-1] == 1


def test_log_snr_spacing_is_even_where_the_schedule_is_fine_enough():
    schedule = make_schedule("linear", 4000)
    grid = make_grid(schedule, 20, "log_snr")
    log_snr = np.log(grid.alpha_bar[:-1] / (1 - grid.alpha_bar[:-1]))
    gaps = np.diff(log_snr)[1:-2]  # the first crosses pure noise, the last meets single steps
    np.testing.assert_allclose(gaps, gaps.mean(), rtol=0.05)


@pytest.mark.parametrize("num_steps", [0, 201])
def test_step_counts_out_of_range_are_refused(num_steps):
    with pytest.raises(UserError, match="1 to 200"):
        make_grid(make_schedule("cosine", 200), num_steps)


def test_an_unknown_spacing_lists_the_choices():
    with pytest.raises(UserError, match="time, log_snr"):
        make_grid(make_schedule("cosine", 200), 5, "snr")
