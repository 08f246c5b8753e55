import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import bound, likelihood, process
from synthmed_jax.diffusion.schedule import SCHEDULES, make_schedule


@dataclasses.dataclass(frozen=True)
class Known:
    """A model of one known denoiser, x_0 = gain x_t."""

    schedule: object
    gain: float
    image_shape: tuple[int, int, int] = (4, 4, 1)

    def denoiser(self, params, label):
        return lambda x_t, t: self.gain * x_t


@pytest.mark.parametrize("num_steps", [2, 20, 300])
def test_the_estimate_is_the_whole_sum_to_its_error(num_steps, images):
    some = images.subset(np.tile(np.arange(12), 10))
    model = Known(make_schedule("cosine", num_steps), 0.9, (8, 8, 1))
    found = likelihood.terms(model, None, some, 60, seed=0)
    assert len(found.total) == 120
    np.testing.assert_allclose(found.total, found.prior + found.steps + found.decoder)
    # Every term of every image in closed form: E (gain x_t - x_0)^2 over the noise.
    x_0 = np.asarray(process.to_model_range(some.images), np.float64)
    weights, alpha_bar = bound.step_weight(model.schedule), model.schedule.alpha_bar
    steps = 0.0
    for t in range(1, num_steps):
        error = (0.9 * np.sqrt(alpha_bar[t]) - 1) ** 2 * x_0**2 + 0.81 * (1 - alpha_bar[t])
        steps += weights[t] * error.mean() / np.log(2)
    assert found.steps.mean() == pytest.approx(steps, rel=0.01)
    assert found.decoder.mean() > 0
    prior = bound.prior_term(model.schedule, jnp.asarray(x_0, jnp.float32)).mean()
    assert found.prior.mean() == pytest.approx(float(prior), rel=1e-4, abs=1e-7)


def test_a_better_denoiser_needs_fewer_bits(images):
    small = dataclasses.replace(images, images=images.images[:, :4, :4])
    schedule = make_schedule("cosine", 50)
    bits = [
        likelihood.bits_per_dimension(Known(schedule, gain), None, small, 4, seed=0).total
        for gain in (0.2, 0.9)
    ]
    assert bits[1] < bits[0]
    assert jax.tree.all(jax.tree.map(np.isfinite, bits))


def test_of_many_images_some_are_drawn(images):
    many = images.subset(np.tile(np.arange(12), 10))
    model = Known(make_schedule("cosine", 20), 0.9, (8, 8, 1))
    bits = likelihood.bits_per_dimension(model, None, many, 60, seed=3)
    drawn = many.subset(np.random.default_rng(3).permutation(120)[: likelihood.IMAGES])
    assert bits.num_images == likelihood.IMAGES
    assert bits.total == likelihood.terms(model, None, drawn, 60, seed=3).total.mean()


# --- how the steps are drawn ---


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize(("num_steps", "zero"), [(34, False), (100, True), (1000, False)])
def test_every_step_counts_once_on_average(kind, num_steps, zero):
    schedule, n = make_schedule(kind, num_steps, zero_terminal_snr=zero), 20_000
    steps, weights = likelihood.draw_steps(schedule, n, np.random.default_rng(0))
    assert steps.shape == weights.shape == (n, likelihood.STRATA)
    counts = np.zeros((num_steps,))
    np.add.at(counts, steps, weights / n)
    squares = np.zeros((num_steps,))
    np.add.at(squares, steps, weights**2 / n)
    error = np.sqrt(squares[1:] / n)
    # A step that was never drawn is one of noise, whose term is next to nothing.
    drawn = counts[1:] > 0
    assert np.abs(counts[1:] - 1)[drawn].max() < 5 * error[drawn].max()
    assert counts[0] == 0
    # Weighted terms of a Gaussian, E[L_{t-1}] in closed form: their sum hardly varies.
    exact = np.append(0, bound.step_weight(schedule)[1:] * 0.04 / (1 + 0.04 * schedule.snr[1:]))
    sums = (weights * exact[steps]).sum(axis=1)
    assert sums.mean() == pytest.approx(exact.sum(), abs=5 * sums.std() / math.sqrt(n))
    # One step from each of 32 parts even in t would leave 9 % at T = 34, 110 % at T = 1000.
    assert sums.std() < (0.015 if num_steps == 1000 else 0.05) * exact.sum()


def test_strata_are_even_in_log_snr_and_the_last_is_noise():
    schedule = make_schedule("cosine", 1000)
    steps, _ = likelihood.draw_steps(schedule, 500, np.random.default_rng(0))
    assert np.all(np.diff(steps, axis=1) >= 0)
    log_snr = np.log(schedule.snr)
    bent = np.log(schedule.snr + math.exp(-8))
    edges = np.linspace(bent[0], bent[-1], likelihood.STRATA + 1)
    # The step from t - 1 to t meets the stratum that it was drawn for.
    assert np.all(bent[steps - 1] > edges[1:])
    assert np.all(bent[steps] < edges[:-1])
    # The cosine schedule goes on to -20, and one stratum is enough for all that is noise.
    assert log_snr[-1] < -19
    assert np.all(log_snr[steps[:, :-1]] > -9)


def test_few_steps_are_all_taken():
    for num_steps in (1, 2, 33):
        steps, weights = likelihood.draw_steps(
            make_schedule("cosine", num_steps), 3, np.random.default_rng(0)
        )
        np.testing.assert_array_equal(steps, [np.arange(1, num_steps)] * 3)
        np.testing.assert_array_equal(weights, 1)


# --- a Gaussian with its own denoiser, in closed form ---

SPREAD = 0.2
GROUP, GROUPS, SIDE = 40, 60, 16


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """The best denoiser of pixels that are N(0, SPREAD^2)."""

    schedule: object
    image_shape: tuple[int, int, int] = (SIDE, SIDE, 1)

    def denoiser(self, params, label):
        def denoise(x_t, t):
            rates = process.rates_at(self.schedule, t)
            gain = rates.signal * SPREAD**2 / (rates.signal**2 * SPREAD**2 + rates.noise**2)
            return gain * x_t

        return denoise


def quantised(x):
    levels = np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)
    return ImageSet(
        levels, np.zeros(len(x), np.int32), tuple(str(i) for i in range(len(x))), ("a",)
    )


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(0, SPREAD, (count, SIDE, SIDE, 1))


def entropy():
    """Bits of one pixel after rounding to 256 levels."""
    edges = np.append(np.append(-np.inf, (np.arange(255) + 0.5) / 127.5 - 1), np.inf)
    mass = np.diff(norm.cdf(edges / SPREAD))
    return -(mass * np.log2(np.maximum(mass, 1e-300))).sum()


@pytest.mark.parametrize(
    ("kind", "num_steps", "zero"),
    [("linear", 1000, False), ("cosine", 1000, False), ("cosine", 300, True),
     ("sigmoid", 20, False)],
)  # fmt: skip
def test_a_gaussian_s_bound_is_its_closed_form_and_above_its_entropy(kind, num_steps, zero):
    model = Gaussian(make_schedule(kind, num_steps, zero_terminal_snr=zero))
    terms = likelihood.terms(model, None, quantised(normal(500)), 500, seed=1)
    weight, snr = bound.step_weight(model.schedule)[1:], model.schedule.snr[1:]
    exact = (weight * SPREAD**2 / (1 + snr * SPREAD**2)).sum() / math.log(2)
    error = terms.steps.std() / math.sqrt(len(terms.steps))
    # Rounding to grey levels adds a little to the pixels' variance.
    assert terms.steps.mean() == pytest.approx(exact, abs=5 * error + 2e-3)
    assert error < 0.01
    assert terms.total.mean() > entropy() + 5 * terms.total.std() / math.sqrt(len(terms.total))


def test_the_stated_error_is_that_of_the_images():
    # Images of different contrast: their bounds differ, as those of real images do.
    contrast = np.random.default_rng(1).uniform(0.3, 2, GROUP)[:, None, None, None]
    some = quantised(contrast * normal(GROUP))
    again = some.subset(np.tile(np.arange(GROUP), GROUPS))  # the same images, other draws
    model = Gaussian(make_schedule("cosine", 1000))
    total = likelihood.terms(model, None, again, 1000, seed=0).total.reshape(GROUPS, GROUP)
    stated = total.std(axis=1, ddof=1).mean() / math.sqrt(GROUP)
    spread = total.mean(axis=1).std(ddof=1)
    assert spread < stated / 4
    of_images = total.mean(axis=0).std(ddof=1) / math.sqrt(GROUP)
    assert stated == pytest.approx(of_images, rel=0.03)


def test_intervals_cover_the_mean_as_often_as_they_say():
    contrast = np.random.default_rng(1).uniform(0.3, 2, GROUP * GROUPS)[:, None, None, None]
    images = quantised(contrast * normal(GROUP * GROUPS))
    model = Gaussian(make_schedule("linear", 1000))
    total = likelihood.terms(model, None, images, 1000, seed=0).total
    groups = total.reshape(GROUPS, GROUP)
    error = groups.std(axis=1, ddof=1) / math.sqrt(GROUP)
    assert groups.mean(axis=1).std(ddof=1) == pytest.approx(error.mean(), rel=0.2)
    covered = np.abs(groups.mean(axis=1) - total.mean()) < 1.96 * error
    assert 0.88 < covered.mean() <= 1
    bits = likelihood.bits_per_dimension(model, None, images.subset(np.arange(GROUP)), 40, seed=0)
    assert bits.total == pytest.approx(bits.prior + bits.steps + bits.decoder)
    assert bits.standard_error == pytest.approx(error[0], rel=0.2)
