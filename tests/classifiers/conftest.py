"""Golden values, and a network small enough to train in a test.

Golden values are torchvision's own answers with weights made from parameter names alone.

`golden/<network>.npz` holds float64 logits of torchvision 0.28 (torch 2.13, CPU): "eval/64" and
"eval/224" in inference, "train/96" in training, and the last BatchNorm's running statistics after
that training step; `golden/<network>.json` its parameters' names and shapes. What
`golden/gradients.npz` holds says `golden/make_gradients.py`, which made it.
"""

import dataclasses
import importlib.util
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flax import linen as nn

from synthmed_jax.classifiers import networks
from synthmed_jax.classifiers import programs as classifier_programs
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest
from synthmed_jax.classifiers.settings import TrainingSettings
from synthmed_jax.data.image_set import ImageSet

GOLDEN = pathlib.Path(__file__).parent / "golden"


@dataclasses.dataclass(frozen=True)
class Golden:
    answers: dict[str, np.ndarray]
    state_dict: dict[str, np.ndarray]
    images: Callable[..., np.ndarray]


def _named_weights() -> Any:
    spec = importlib.util.spec_from_file_location("named_weights", GOLDEN / "named_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    """Loads one network's golden values; `images(size, batch)` returns f32 NHWC."""
    made = _named_weights()

    def load(name: str) -> Golden:
        shapes = json.loads((GOLDEN / f"{name}.json").read_text())
        with np.load(GOLDEN / f"{name}.npz") as file:
            answers = dict(file)
        return Golden(
            answers=answers,
            state_dict={key: made.named_weight(key, tuple(s)) for key, s in shapes.items()},
            images=lambda *size: made.images(*size).transpose(0, 2, 3, 1).astype(np.float32),
        )

    return load


@pytest.fixture(scope="session")
def golden_gradients() -> tuple[dict[str, np.ndarray], Callable[..., np.ndarray]]:
    """What gradients.npz holds, and the directions that its products are with."""
    with np.load(GOLDEN / "gradients.npz") as file:
        return dict(file), _named_weights().direction


class Tiny(nn.Module):
    """A network small enough to train in a test, with all that a real one has."""

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(4, (8, 8), strides=(8, 8), dtype=self.layers.dtype)(x)
        x = nn.relu(self.layers.norm("bn")(x, train))
        x = self.layers.dropout(0.1)(x, train)
        return nn.Dense(self.num_classes)(x.reshape(x.shape[0], -1).astype("float32"))


@pytest.fixture(scope="session")
def tiny_settings():
    """Three folds of four epochs."""
    return TrainingSettings(
        image_size=32,
        small_images=False,
        weights="random",
        transform_input="auto",
        dtype="float32",
        batch_size=8,
        steps=0,
        max_epochs=4,
        min_steps=0,
        patience=1,
        selection="synthetic",
        learning_rate=3e-3,
        rate_schedule="cosine",
        label_smoothing=0.0,
        weight_decay=0.01,
        seeds=0,
        folds=3,
        flips="none",
        shift=0,
        warp=0.0,
        seed=0,
    )


@pytest.fixture(scope="module")
def make_tiny():
    """Builds the network by its name, "tiny", for two classes."""
    networks.BACKBONES["tiny"] = Backbone(
        Tiny, head="Dense_0", published="", smallest=Smallest(8, 8)
    )
    yield lambda settings: classifier_programs.make_network("tiny", 2, settings)
    del networks.BACKBONES["tiny"]


@pytest.fixture(scope="module")
def programs(make_tiny, tiny_settings):
    """Compiled for `tiny_settings`."""
    return classifier_programs.make_programs(make_tiny(tiny_settings), tiny_settings)


@pytest.fixture(scope="session")
def images():
    """48 grey images, bright at the left or at the right."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (48, 32, 32, 1), dtype=np.uint8)
    labels = np.arange(48, dtype=np.int32) % 2
    pixels[labels == 0, :, :16] += 100
    pixels[labels == 1, :, 16:] += 100
    return ImageSet(pixels, labels, tuple(map(str, range(48))), ("left", "right"))
