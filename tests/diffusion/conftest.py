import contextlib
import dataclasses

import numpy as np
import pytest

from synthmed_jax import checkpoint
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.settings import TrainSettings
from synthmed_jax.diffusion.step import make_step
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.diffusion.unet_settings import UNetSettings


@pytest.fixture(scope="session")
def images() -> ImageSet:
    """Twelve 8x8 grey images of two classes: bright left half, bright right half."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (12, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(12, dtype=np.int32) % 2
    pixels[labels == 0, :, :4] += 180
    pixels[labels == 1, :, 4:] += 180
    return ImageSet(pixels, labels, tuple(f"{i}.png" for i in range(12)), ("left", "right"))


@pytest.fixture(scope="session")
def network() -> UNet:
    return UNet(UNetSettings(8, (1,), 1, (), 2, 0.1), num_classes=2)


@pytest.fixture(scope="session")
def schedule():
    return make_schedule("cosine", 20)


@pytest.fixture(scope="session")
def model(network, schedule) -> Model:
    return Model(network, schedule, "v", (8, 8, 1))


@pytest.fixture(scope="session")
def train_settings() -> TrainSettings:
    return TrainSettings(
        steps=6,
        batch_size=4,
        learning_rate=1e-2,
        accumulate=1,
        warmup_steps=2,
        ema_half_lives=(3, 20),
        clip_norm=1.0,
        weighting="simple",
        timesteps="uniform",
        label_dropout=0.0,
        log_every=2,
        val_every=3,
        patience=0,
        save_minutes=1e6,
        seed=0,
    )


@pytest.fixture(scope="session")
def shared_step(train_settings, model):
    """One compiled step for every test whose settings change the loop alone."""
    return make_step(dataclasses.replace(train_settings, steps=40), model)


@contextlib.contextmanager
def killed_as_saved(folder, step, when):
    """Within it, a KeyboardInterrupt comes before or after a step's checkpoint is in the folder."""
    save = checkpoint.save

    def save_and_die(directory, at, state, **options):
        dies = (directory.name, at) == (folder, step)
        if dies and when == "before":
            raise KeyboardInterrupt
        digest = save(directory, at, state, **options)
        if dies:
            raise KeyboardInterrupt
        return digest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_die)
        yield
