"""How a classifier is trained, and what follows from it for a training set of a given size."""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp

from synthmed_jax import checks
from synthmed_jax.classifiers.rates import SCHEDULES, Rates
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import UserError

# What training starts from, beside the path of a file of weights.
RANDOM, IMAGENET = "random", "imagenet"
# Whether GoogLeNet transforms its input. auto: where its weights are torchvision's published ones.
TRANSFORMS = ("auto", "yes", "no")
# Which images measure the validation loss, by config.classifier.selection. synthetic: those of the
# training set that a fold leaves out (the paper's choice); val: real ones, which neither the
# generator nor the classifier has learned from.
SELECTIONS = {"synthetic": "fold", "val": "real_val"}
DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained (paper section 4.5: AdamW, cross-entropy, early stopping).

    Attributes:
      image_size: side (pixels) that the network sees.
      small_images: the stem keeps every pixel (see `networks.create`).
      weights: that training starts from: RANDOM, IMAGENET, or the path of a state dict.
      transform_input: whether GoogLeNet transforms its input, one of TRANSFORMS.
      dtype: of the layers' computation, one of DTYPES; weights, statistics and logits are float32.
      batch_size: images per step, over all devices; a smaller training set is one batch.
      steps: optimiser steps of every training, whatever the size of its training set; 0: as many as
        `max_epochs`, `min_steps` and `patience` come to.
      max_epochs: number of epochs at most. With `steps`, epochs are as many equal parts of these,
        each followed by a validation.
      min_steps: without `steps`, optimiser steps that `max_epochs` epochs have at least. An epoch
        passes over a small training set several times to reach it.
      patience: epochs without a lower validation loss before training stops; 0: it never does.
      selection: which images measure that loss, one of SELECTIONS.
      learning_rate: peak of AdamW's rate, after one epoch of linear warm-up.
      rate_schedule: of the rate after that, one of rates.SCHEDULES.
      label_smoothing: share of a label that is spread over all classes.
      weight_decay: AdamW's.
      seeds: trainings of every cell, each on the whole training set and with a seed of its own; 0:
        one per fold instead.
      folds: k of the stratified cross-validation, where `seeds` is 0.
      flips, shift: augmentation of the training images; `shift` in pixels.
      warp: probability of a warp (data/warp.py) in the arms that augment.
      seed: of weights, folds and batches.
    """

    image_size: int
    small_images: bool
    weights: str
    transform_input: str
    dtype: str
    batch_size: int
    steps: int
    max_epochs: int
    min_steps: int
    patience: int
    selection: str
    learning_rate: float
    rate_schedule: str
    label_smoothing: float
    weight_decay: float
    seeds: int
    folds: int
    flips: str
    shift: int
    warp: float
    seed: int

    def __post_init__(self) -> None:
        least = {"image_size": 1, "batch_size": 1, "max_epochs": 1, "folds": 2}
        none = dict.fromkeys(("steps", "min_steps", "patience", "weight_decay", "seeds", "seed"), 0)
        for name, value in (least | none).items():
            checks.at_least(f"config.classifier.{name}", getattr(self, name), value)
        if self.steps:
            _check_steps(self)
        if self.seeds and self.selection != "val":
            raise UserError(
                f"config.classifier.selection={self.selection} takes the images that a fold leaves "
                f"out, and config.classifier.seeds={self.seeds} trains on all of them: set "
                "selection=val, or seeds=0 for a cross-validation"
            )
        checks.between("config.classifier.warp", self.warp, 0, 1)
        checks.above("config.classifier.learning_rate", self.learning_rate, 0)
        checks.between("config.classifier.label_smoothing", self.label_smoothing, 0, 1)
        checks.one_of("config.classifier.transform_input", self.transform_input, TRANSFORMS)
        checks.one_of("config.classifier.dtype", self.dtype, DTYPES)
        checks.one_of("config.classifier.selection", self.selection, SELECTIONS)
        checks.one_of("config.classifier.rate_schedule", self.rate_schedule, SCHEDULES)
        Augmentation(self.flips, self.shift)

    @property
    def trainings(self) -> tuple[str, ...]:
        """Names of the folders of a cell's trainings, in order: one per seed, or one per fold."""
        name, count = ("training", self.seeds) if self.seeds else ("fold", self.folds)
        return tuple(f"{name}{k}" for k in range(count))


def _check_steps(settings: TrainingSettings) -> None:
    """Refuses what would have no effect, or be another number of steps than the one named."""
    for name in ("min_steps", "patience"):
        if getattr(settings, name):
            raise UserError(
                f"config.classifier.{name}={getattr(settings, name)} has no effect beside "
                f"config.classifier.steps={settings.steps}, which every training takes: set "
                f"{name}=0, or steps=0"
            )
    if settings.steps % settings.max_epochs:
        per_epoch = max(1, settings.steps // settings.max_epochs)
        raise UserError(
            f"config.classifier.steps={settings.steps} can't be divided into "
            f"config.classifier.max_epochs={settings.max_epochs} equal epochs: take "
            f"steps={per_epoch * settings.max_epochs}"
        )


@dataclasses.dataclass(frozen=True)
class ClassifierSettings(TrainingSettings):
    """The config block `classifier`: what is trained on what, and how.

    Attributes:
      backbones: names of networks.
      arms: names of arms.
      amounts: synthetic images per class of further cells of the synthetic arm, for a curve.
      augmented: which arms are also augmented as the generator's images are, see `arms.AUGMENTED`.
    """

    backbones: tuple[str, ...]
    arms: tuple[str, ...]
    amounts: tuple[int, ...]
    augmented: str

    def __post_init__(self) -> None:
        super().__post_init__()
        for amount in self.amounts:
            checks.at_least("config.classifier.amounts", amount, 1)


def make_rates(settings: TrainingSettings, steps_per_epoch: int) -> Rates:
    """The numbers that a training with epochs of `steps_per_epoch` steps takes."""
    total = steps_per_epoch * settings.max_epochs
    numbers = (settings.learning_rate, settings.weight_decay, settings.label_smoothing)
    return Rates(*(jnp.float32(number) for number in (*numbers, steps_per_epoch, total)))


def batch_of(settings: TrainingSettings, num_train: int) -> int:
    """Images per step.

    With `settings.steps` it is the same for all training sets: a batch may hold an image of a small
    one twice.
    """
    return settings.batch_size if settings.steps else min(settings.batch_size, num_train)


def steps_of(settings: TrainingSettings, num_train: int) -> int:
    """Optimiser steps per epoch."""
    if settings.steps:
        return settings.steps // settings.max_epochs
    return _passes(settings, num_train) * (num_train // batch_of(settings, num_train))


def passes_per_epoch(settings: TrainingSettings, num_train: int) -> int | None:
    """How often an epoch passes over a training set; None where it is a number of steps."""
    return None if settings.steps else _passes(settings, num_train)


def _passes(settings: TrainingSettings, num_train: int) -> int:
    batches_per_pass = num_train // batch_of(settings, num_train)
    return max(1, math.ceil(settings.min_steps / (settings.max_epochs * batches_per_pass)))
