import dataclasses

import jax
import numpy as np
import pytest

from synthmed_jax.audit.membership import loss_scores
from synthmed_jax.data.image_set import ImageSet, concatenate
from synthmed_jax.data.sets.phantom_drawing import draw
from synthmed_jax.diffusion import process
from synthmed_jax.diffusion.conditioning import portions
from synthmed_jax.diffusion.denoising_loss import (
    denoising_losses,
    losses_of_generators,
    steps_at,
)
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.step import init_state, make_step
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.diffusion.unet_settings import UNetSettings
from synthmed_jax.statistics import roc


@dataclasses.dataclass(frozen=True)
class Known:
    """A model of one known denoiser, x_0 = gain x_t."""

    schedule: object
    gain: float
    image_shape: tuple[int, int, int] = (8, 8, 1)

    def denoiser(self, params, label):
        return lambda x_t, t: self.gain * x_t


@pytest.mark.parametrize(
    ("num_steps", "expected"), [(1000, [30, 80, 250]), (20, [1, 2, 5]), (1, [0, 0, 0])]
)
def test_levels_are_shares_of_all_steps(num_steps, expected):
    assert steps_at((0.03, 0.08, 0.25), num_steps).tolist() == expected


def test_the_loss_is_that_of_a_known_denoiser(images):
    """E (gain x_t - x_0)^2 = (gain signal - 1)^2 x_0^2 + gain^2 noise^2, at each step."""
    schedule, steps = make_schedule("cosine", 100), np.array([3, 25], np.int32)
    found = denoising_losses(
        Known(schedule, 0.9), None, images, np.arange(12), steps, 60, 12, seed=0
    )
    x_0 = np.asarray(process.to_model_range(images.images), np.float64)
    for level, t in enumerate(steps):
        kept = (0.9 * schedule.signal[t] - 1) ** 2 * np.square(x_0).mean(axis=(1, 2, 3))
        expected = kept + 0.81 * schedule.noise[t] ** 2
        np.testing.assert_allclose(found[:, level], expected, rtol=0.06)
        assert found[:, level].mean() == pytest.approx(expected.mean(), rel=0.02)


def test_equal_numbers_get_equal_noise_wherever_they_stand(images):
    model, steps = Known(make_schedule("cosine", 100), 0.9), np.array([3, 25], np.int32)
    same = images.subset([4, 4, 4])
    found = denoising_losses(model, None, same, np.array([7, 8, 7]), steps, 2, 2, seed=0)
    np.testing.assert_array_equal(found[0], found[2])
    assert (found[0] != found[1]).all()
    other_seed = denoising_losses(model, None, same, np.array([7, 8, 7]), steps, 2, 2, seed=1)
    assert (found != other_seed).all()


@dataclasses.dataclass(frozen=True)
class ByLabel:
    """A model whose estimate of each pixel is the weights' value for the image's label."""

    schedule: object
    image_shape: tuple[int, int, int] = (8, 8, 1)

    def denoiser(self, params, label):
        return lambda x_t, t: 0 * x_t + params[label][:, None, None, None]


@pytest.mark.parametrize(
    ("conditioning", "weights"),
    [("class", [[0.2, -0.4]]), ("per_class", [[0.2], [-0.4]])],
)
def test_each_image_is_seen_by_the_generator_of_its_class(images, conditioning, weights):
    model = ByLabel(make_schedule("cosine", 100))
    generators = [
        (portion, np.array(params, np.float32))
        for portion, params in zip(portions(conditioning, images, images), weights, strict=True)
    ]
    steps = np.array([3, 25], np.int32)
    found = losses_of_generators(model, generators, images, np.arange(12), steps, 1, 5, seed=0)
    x_0 = np.asarray(process.to_model_range(images.images), np.float64)
    value = np.where(images.labels == 0, 0.2, -0.4)[:, None, None, None]
    expected = np.square(value - x_0).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, np.stack([expected] * 2, axis=1), rtol=1e-5)


def test_it_is_the_error_of_the_noise_over_the_snr(model, train_settings, images):
    params = init_state(train_settings, model).params
    params = jax.tree.map(lambda x: x + 0.05, params)  # fresh weights answer zero
    t = 5
    found = denoising_losses(
        model, params, images, np.arange(12), np.array([t], np.int32), 1, 4, seed=0
    )
    x_0 = process.to_model_range(images.images)
    eps = np.stack(
        [
            jax.random.normal(
                jax.random.fold_in(jax.random.fold_in(jax.random.key(0), n), 0), (8, 8, 1)
            )
            for n in range(12)
        ]
    )
    steps = np.full(12, t, np.int32)
    x_t = process.q_sample(model.schedule, x_0, steps, eps)
    estimate = model.denoiser(params, images.labels)(x_t, steps)
    rates = process.rates_at(model.schedule, steps)
    of_noise = np.square((x_t - rates.signal * estimate) / rates.noise - eps).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found[:, 0], of_noise / model.schedule.snr[t], rtol=1e-3)


# --- generators whose membership is known ---


def phantoms(count: int, first: int) -> ImageSet:
    pixels = np.stack([draw(0, i % 2, i, 16)[0] for i in range(first, first + count)])
    labels = (np.arange(count) % 2).astype(np.int32)
    return ImageSet(
        pixels.reshape(count, 16, 16, 1), labels, tuple(map(str, range(count))), ("a", "b")
    )


@pytest.fixture(scope="module")
def learning(train_settings):
    """A small network, and what it takes to learn sixteen images by heart."""
    unet = UNet(UNetSettings(32, (1,), 1, (), 2, 0.0, middle_attention=False), num_classes=2)
    model = Model(unet, make_schedule("cosine", 100), "v", (16, 16, 1))
    settings = dataclasses.replace(
        train_settings, steps=200, batch_size=16, learning_rate=5e-3, warmup_steps=20
    )
    return model, settings


def area_of(model, params, members, others):
    both, n = concatenate(members, others), len(members)
    numbers, steps = np.tile(np.arange(n), 2), steps_at((0.03, 0.25), 100)
    losses = denoising_losses(model, params, both, numbers, steps, 2, 16, seed=0)
    return roc.estimate_area(*loss_scores(losses[:n], losses[n:]))


def test_an_untrained_generator_knows_no_image_and_one_that_learned_few_by_heart_does(learning):
    model, settings = learning
    members, others = phantoms(16, 0), phantoms(16, 16)
    state, step = init_state(settings, model), make_step(settings, model)
    assert area_of(model, state.params, members, others).covers_chance
    batch = {"image": members.images, "label": members.labels}
    for _ in range(settings.steps):
        state, _ = step(state, batch)
    found = area_of(model, state.params, members, others)
    assert found.low > 0.5
    assert found.value > 0.8
