"""How a classifier is trained, and what follows from it for a training set of a given size."""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp

from synthmed_jax import checks, parallel
from synthmed_jax.classifiers.rates import SCHEDULES, Rates
from synthmed_jax.data.settings import Augmentation

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
      max_epochs: number of epochs at most.
      min_steps: optimiser steps that `max_epochs` epochs have at least. An epoch passes over a
        small training set several times to reach it: small and large sets are then compared after
        as many steps, with the same patience.
      patience: epochs without a lower validation loss before training stops.
      selection: which images measure that loss, one of SELECTIONS.
      learning_rate: peak of AdamW's rate, after one epoch of linear warm-up.
      rate_schedule: of the rate after that, one of rates.SCHEDULES.
      label_smoothing: share of a label that is spread over all classes.
      weight_decay: AdamW's.
      folds: k of the stratified cross-validation.
      flips, shift: augmentation of the training images; `shift` in pixels.
      seed: of weights, folds and batches.
    """

    image_size: int
    small_images: bool
    weights: str
    transform_input: str
    dtype: str
    batch_size: int
    max_epochs: int
    min_steps: int
    patience: int
    selection: str
    learning_rate: float
    rate_schedule: str
    label_smoothing: float
    weight_decay: float
    folds: int
    flips: str
    shift: int
    seed: int

    def __post_init__(self) -> None:
        least = {"image_size": 1, "batch_size": 1, "max_epochs": 1, "patience": 1, "folds": 2}
        for name, value in (least | {"min_steps": 0, "weight_decay": 0, "seed": 0}).items():
            checks.at_least(f"config.classifier.{name}", getattr(self, name), value)
        checks.above("config.classifier.learning_rate", self.learning_rate, 0)
        checks.between("config.classifier.label_smoothing", self.label_smoothing, 0, 1)
        checks.one_of("config.classifier.transform_input", self.transform_input, TRANSFORMS)
        checks.one_of("config.classifier.dtype", self.dtype, DTYPES)
        checks.one_of("config.classifier.selection", self.selection, SELECTIONS)
        checks.one_of("config.classifier.rate_schedule", self.rate_schedule, SCHEDULES)
        Augmentation(self.flips, self.shift)


@dataclasses.dataclass(frozen=True)
class ClassifierSettings(TrainingSettings):
    """The config block `classifier`: what is trained on what, and how.

    Attributes:
      backbones: names of networks.
      arms: names of arms.
    """

    backbones: tuple[str, ...]
    arms: tuple[str, ...]


def make_rates(settings: TrainingSettings, steps_per_epoch: int) -> Rates:
    """The numbers that a training with epochs of `steps_per_epoch` steps takes."""
    total = steps_per_epoch * settings.max_epochs
    numbers = (settings.learning_rate, settings.weight_decay, settings.label_smoothing)
    return Rates(*(jnp.float32(number) for number in (*numbers, steps_per_epoch, total)))


def passes_per_epoch(settings: TrainingSettings, batches_per_pass: int) -> int:
    """How often an epoch passes over a training set, so that `max_epochs` have `min_steps`."""
    return max(1, math.ceil(settings.min_steps / (settings.max_epochs * batches_per_pass)))


def batch_of(settings: TrainingSettings, num_train: int) -> int:
    """Images per step: a multiple of the devices; 0: fewer images than devices."""
    devices = parallel.device_count()
    return min(settings.batch_size, num_train) // devices * devices


def steps_of(settings: TrainingSettings, num_train: int) -> int:
    """Optimiser steps per epoch."""
    batches_per_pass = num_train // batch_of(settings, num_train)
    return passes_per_epoch(settings, batches_per_pass) * batches_per_pass
