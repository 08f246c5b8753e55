"""When to stop: validation loss has turned up while samples move towards the training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Validation(NamedTuple):
    """What was measured on `val` at one step of training.

    Attributes:
      step: optimiser steps so far.
      half_life: of the weights' average with the lowest validation loss, steps.
      val_loss: that loss.
      nearness: median distance of samples to their nearest `fit` image over that of `val` images;
        None where it was not measured.
    """

    step: int
    half_life: int
    val_loss: float
    nearness: float | None


def best_of(history: Sequence[Validation]) -> Validation | None:
    """The validation of the lowest loss, the first of equals; None where there is none."""
    return min(history, key=lambda validation: validation.val_loss, default=None)


def reason_to_stop(history: Sequence[Validation], patience: int) -> str | None:
    """Why training should stop now, or None.

    Both signs must show: the last `patience` validations or more brought no lower loss, and samples
    are nearer to the training images than they were at the best validation. A rising loss alone may
    be noise of a small `val`; samples that come nearer while the loss falls are getting better.
    Nearness says only when to stop. Which weights are taken, the loss on `val` alone decides.

    Args:
      history: all validations so far, in order.
      patience: validations without a lower loss before training may stop; 0: never stop.
    """
    best = best_of(history)
    if best is None or not patience:
        return None
    since = [validation for validation in history if validation.step > best.step]
    last = history[-1]
    if len(since) < patience or best.nearness is None or last.nearness is None:
        return None
    if last.nearness >= best.nearness:
        return None
    return (
        f"validation loss has risen from {best.val_loss:.4f} at step {best.step} to "
        f"{last.val_loss:.4f}, while the samples' distance to the nearest training image, over "
        f"that of real validation images, fell from {best.nearness:.2f} to {last.nearness:.2f}; "
        "copying does that, and so may blur or the chance of few samples: it is no proof of copying"
    )
