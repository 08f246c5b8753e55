"""What a search of `tune` is made of, and how each of its trials is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from synthmed_jax import search
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import TrainingSettings
from synthmed_jax.classifiers.train import Training, train_alone
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.stages.run import Run

# An epoch, and the loss on real images so far.
Report = Callable[[int, float], None]


class Target(NamedTuple):
    """One search.

    Attributes:
      folder: below tune/, and its name in the stage's units.
      searched: what is searched: "diffusion", or "classifier/" and the network.
      arm: what its classifiers are trained on; "" where a generator is searched.
      space: the fields, and what they may be.
      objective: one trial.
      fixed: fields that the search needs at a value.
    """

    folder: str
    searched: str
    arm: str
    space: search.Space
    objective: search.Objective
    fixed: search.Fields


class Searched(NamedTuple):
    """What `config.tune.target` chooses.

    Attributes:
      folders: of every search, below tune/; known before any work.
      targets: the searches, in the order of their folders.
      seconds: folder -> what one trial will take on this machine.
    """

    folders: Callable[[Run], tuple[str, ...]]
    targets: Callable[[Run], Iterator[Target]]
    seconds: Callable[[Run], Mapping[str, float]]


def real_images(run: Run) -> ImageSet:
    """What every trial is judged by: neither a generator nor a classifier has learned from it."""
    return run.inputs.parts.val


def loss_on_real(
    programs: Programs,
    training: TrainingSettings,
    learned: ImageSet,
    real: ImageSet,
    report: Report,
    augmentation: Augmentation | None = None,
) -> float:
    """Trains on a whole training set; the lowest loss on real images of any epoch.

    Args:
      programs: the network's, made with these settings.
      learned, real: at the size that the network sees.
      augmentation: of what is learned; None: the settings' own flips and shift.
    """
    _, result = train_alone(
        Training(
            programs,
            training,
            training.seed,
            learned,
            {"real": real},
            "real",
            "tune",
            report=lambda record: report(int(record["epoch"]), record["val_loss"]),
            augmentation=augmentation,
        )
    )
    return result.val_loss
