import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.explain import lime
from synthmed_jax.explain.predictor import Predictor

SIZE = 32


def quadrant_logits(weights, images):
    """Class 1 is as likely as the lower left quadrant is bright; nothing else matters."""
    bright = images.astype(jnp.float32)[:, SIZE // 2 :, : SIZE // 2].mean(axis=(1, 2, 3)) / 255
    return jnp.stack([jnp.zeros_like(bright), weights * bright], axis=-1)


@pytest.fixture(scope="session")
def quadrant():
    """A predictor whose reasons are known."""
    return Predictor(quadrant_logits, jnp.float32(4), batch_size=64)


@pytest.fixture(scope="session")
def crossed():
    """Two classes that depend on the product of two halves' brightness: no linear model fits."""

    def logits(_, images):
        bright = images.astype(jnp.float32) / 255
        left, right = bright[:, :, :16].mean(axis=(1, 2, 3)), bright[:, :, 16:].mean(axis=(1, 2, 3))
        return jnp.stack([jnp.zeros_like(left), 40 * left * right - 5], axis=-1)

    return Predictor(logits, jnp.zeros(()), batch_size=64)


@pytest.fixture(scope="session")
def discs():
    """u8[32,32,1]: an even bright disc in the middle of each quadrant."""
    y, x = np.mgrid[:SIZE, :SIZE]
    disc = ((x % 16 - 8) ** 2 + (y % 16 - 8) ** 2 < 16) * 255
    return disc[..., None].astype(np.uint8)


@pytest.fixture(scope="session")
def settings():
    return lime.LimeSettings(
        engine="jax",
        num_samples=300,
        precision=0.0,
        sampling="balanced",
        control="logistic",
        segmentation="slic",
        regions=40,
        seed=0,
    )
