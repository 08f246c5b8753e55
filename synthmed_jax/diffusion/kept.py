"""Weights that are kept along a training, so that the audit can look back at it."""

from __future__ import annotations

import pathlib
import shutil
import sys

from synthmed_jax import checkpoint
from synthmed_jax.diffusion.unet import Params

FOLDER = "kept"


def save(directory: pathlib.Path, step: int, average: Params, val_loss: float | None) -> None:
    """Keeps the weights of a step; those of later ones are of a training that had to go back.

    Args:
      directory: of the training.
      val_loss: of these weights; None where there is no `val`.
    """
    folder = directory / FOLDER
    for later in (each for each in steps(directory) if each > step):
        shutil.rmtree(folder / str(later))
    checkpoint.save(folder, step, average, keep=sys.maxsize, notes={"val_loss": val_loss})


def steps(directory: pathlib.Path) -> list[int]:
    """The steps whose weights are kept, ascending."""
    return checkpoint.steps(directory / FOLDER)


def load(directory: pathlib.Path, like: Params, step: int) -> tuple[Params, float | None]:
    """Returns the weights of a step as numpy arrays, and their validation loss.

    Args:
      like: weights, or their shapes.

    Raises:
      Damaged: they are gone, or not what was written.
    """
    saved = checkpoint.restore(directory / FOLDER, like, step)
    return saved.state, saved.notes["val_loss"]
