"""What the races of classifiers share: settings and a batch."""

from __future__ import annotations

import numpy as np

from benchmarks import reference
from configs import base
from synthmed_jax import settings
from synthmed_jax.classifiers.settings import TrainingSettings

NUM_CLASSES = 4


def make_settings(options: reference.Options) -> TrainingSettings:
    """Settings of the scale `cpu`, at the sizes of the race."""
    config = base.get_config("cpu")
    config.data.name = "phantom"
    config.classifier.update(
        backbone=options.backbone, image_size=options.image_size, batch_size=options.batch_size
    )
    return settings.from_config(config).classifier


def make_batch(options: reference.Options) -> dict[str, np.ndarray]:
    """Images of noise, with labels."""
    rng = np.random.default_rng(0)
    shape = (options.batch_size, options.image_size, options.image_size, 3)
    return {
        "image": rng.integers(0, 256, shape, np.uint8),
        "label": rng.integers(0, NUM_CLASSES, options.batch_size).astype(np.int32),
    }
