import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import bound, likelihood, process
from synthmed_jax.diffusion.schedule import make_schedule


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
    bits = likelihood.bits_per_dimension(model, None, some, 60, seed=0)
    assert bits.num_images == 120
    assert bits.total == pytest.approx(bits.prior + bits.steps + bits.decoder)
    # Every term of every image in closed form: E (gain x_t - x_0)^2 over the noise.
    x_0 = np.asarray(process.to_model_range(some.images), np.float64)
    weights, alpha_bar = bound.step_weight(model.schedule), model.schedule.alpha_bar
    steps = 0.0
    for t in range(1, num_steps):
        error = (0.9 * np.sqrt(alpha_bar[t]) - 1) ** 2 * x_0**2 + 0.81 * (1 - alpha_bar[t])
        steps += weights[t] * error.mean() / np.log(2)
    assert bits.steps == pytest.approx(steps, rel=0.15)
    assert bits.decoder > 0
    prior = bound.prior_term(model.schedule, jnp.asarray(x_0, jnp.float32)).mean()
    assert bits.prior == pytest.approx(float(prior), rel=1e-4, abs=1e-7)


def test_a_better_denoiser_needs_fewer_bits(images):
    small = dataclasses.replace(images, images=images.images[:, :4, :4])
    schedule = make_schedule("cosine", 50)
    bits = [
        likelihood.bits_per_dimension(Known(schedule, gain), None, small, 4, seed=0).total
        for gain in (0.2, 0.9)
    ]
    assert bits[1] < bits[0]
    assert jax.tree.all(jax.tree.map(np.isfinite, bits))
