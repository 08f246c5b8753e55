import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.diffusion.schedule import SCHEDULES, make_schedule
from synthmed_jax.errors import UserError

kinds = st.sampled_from(sorted(SCHEDULES))
steps = st.integers(1, 2000)


@given(kinds, steps)
def test_alpha_bar_is_the_running_product_in_float64(kind, num_steps):
    schedule = make_schedule(kind, num_steps)
    product, expected = 1.0, []
    for beta in schedule.beta:
        product *= 1.0 - beta
        expected.append(product)
    assert schedule.alpha_bar.dtype == np.float64
    np.testing.assert_allclose(schedule.alpha_bar, expected, rtol=1e-12)


@given(kinds, steps)
def test_noise_only_grows(kind, num_steps):
    schedule = make_schedule(kind, num_steps)
    assert schedule.num_steps == num_steps
    assert np.all((schedule.beta > 0) & (schedule.beta < 1))
    assert np.all(np.diff(schedule.alpha_bar_prev) < 0)
    assert schedule.alpha_bar_prev[0] == 1.0


def test_linear_at_1000_steps_is_ho_et_al():
    schedule = make_schedule("linear", 1000)
    np.testing.assert_allclose(schedule.beta, np.linspace(1e-4, 0.02, 1000))
    # exp(sum log(1 - beta)) written out in closed form to first orders: 4.0e-5.
    assert schedule.alpha_bar[-1] == pytest.approx(4.0358e-5, rel=1e-3)


def test_linear_ends_at_the_same_noise_for_any_length():
    ends = [make_schedule("linear", n).alpha_bar[-1] for n in (250, 500, 1000, 2000)]
    assert max(ends) / min(ends) < 1.3


def test_cosine_is_nichol_and_dhariwal_eq_17():
    schedule = make_schedule("cosine", 100)
    u = (np.arange(1, 100) / 100 + 0.008) / 1.008
    closed = np.cos(u * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(schedule.alpha_bar[:-1], closed, rtol=1e-10)


def test_sigmoid_is_jabri_et_al_algorithm_1():
    schedule = make_schedule("sigmoid", 100)

    def gamma(u):
        s, e = 1 / (1 + np.exp(3)), 1 / (1 + np.exp(-3))
        return (e - 1 / (1 + np.exp(-(6 * u - 3)))) / (e - s)

    closed = gamma(np.arange(1, 100) / 100)
    np.testing.assert_allclose(schedule.alpha_bar[:-1], closed, rtol=1e-9)


@given(kinds, st.integers(2, 2000))
def test_zero_terminal_snr_ends_in_pure_noise_and_keeps_its_first_step(kind, num_steps):
    plain = make_schedule(kind, num_steps)
    schedule = make_schedule(kind, num_steps, zero_terminal_snr=True)
    assert schedule.alpha_bar[-1] == 0
    assert schedule.beta[-1] == 1
    np.testing.assert_allclose(schedule.alpha_bar[0], plain.alpha_bar[0], rtol=1e-9)
    assert np.all(np.diff(schedule.alpha_bar_prev) < 0)
    np.testing.assert_allclose(np.cumprod(1 - schedule.beta), schedule.alpha_bar, rtol=1e-9)


@given(kinds, st.integers(2, 2000), st.floats(0.25, 4.0))
def test_scaled_noise_divides_the_signal_to_noise_ratio_of_every_step(kind, num_steps, factor):
    plain = make_schedule(kind, num_steps)
    schedule = make_schedule(kind, num_steps, noise_scale=factor)
    np.testing.assert_allclose(schedule.snr, plain.snr / factor**2, rtol=1e-9)
    assert np.all(np.diff(schedule.alpha_bar_prev) < 0)
    assert np.all((schedule.beta > 0) & (schedule.beta < 1))
    np.testing.assert_allclose(np.cumprod(1 - schedule.beta), schedule.alpha_bar, rtol=1e-9)
    ended = make_schedule(kind, num_steps, zero_terminal_snr=True, noise_scale=factor)
    assert ended.alpha_bar[-1] == 0
    np.testing.assert_allclose(ended.alpha_bar[0], schedule.alpha_bar[0], rtol=1e-9)


def test_means_of_four_pixels_of_a_scaled_schedule_are_as_noisy_as_pixels_of_the_plain_one():
    noise = np.random.default_rng(0).standard_normal((400, 400))
    coarse = noise.reshape(200, 2, 200, 2).mean((1, 3)).std()
    plain, scaled = (make_schedule("cosine", 50, noise_scale=factor) for factor in (1.0, 2.0))
    ratios = [each.noise / each.signal for each in (plain, scaled)]
    np.testing.assert_allclose(ratios[1] * coarse, ratios[0], rtol=0.02)


def test_bad_values_name_the_choices():
    with pytest.raises(UserError, match=r"cosin.*linear, cosine, sigmoid"):
        make_schedule("cosin", 10)
    with pytest.raises(UserError, match="at least 1"):
        make_schedule("linear", 0)
    with pytest.raises(UserError, match="at least 2"):
        make_schedule("linear", 1, zero_terminal_snr=True)
