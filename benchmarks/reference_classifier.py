"""What the races of classifiers share: settings, a batch, and their course."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from benchmarks import apart, duel, reference
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


def race(
    name: str,
    options: reference.Options,
    make_ours: Callable[..., apart.Made],
    make_torch: Callable[..., apart.Made],
    batches: int = 1,
) -> None:
    """Runs a race, and prints what it gave.

    Args:
      name: of the race.
      options: as `reference.parse` returns them; the first argument of both makers.
      make_ours: makes our contestant.
      make_torch: makes one of PyTorch, from a variant's settings as well.
      batches: of images in a call.
    """
    makers = {"ours": functools.partial(make_ours, options)}
    for variant, how in reference.torch_variants(options).items():
        makers[variant] = functools.partial(make_torch, options, **how)
    contestants = apart.start(makers)
    reference.check_same(contestants)
    result = duel.run(
        f"{name} {options.backbone}",
        apart.turns(contestants),
        ours="ours",
        pairs=options.pairs,
        per_call=batches * options.batch_size,
        unit="images/s",
    )
    duel.report(result | contestants["ours"].facts)
