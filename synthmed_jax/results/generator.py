"""diffusion/best.json: which weights images are drawn from, and why training ended."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class GeneratorEnd(Stored):
    """How the training of one diffusion model ended.

    Attributes:
      step: optimiser steps that the kept weights had taken.
      half_life: of their moving average, steps.
      val_loss: theirs; None where nothing was validated.
      nearness: median distance of samples to their nearest `fit` image over that of `val` images;
        None where it was not measured.
      ended_at: optimiser steps in all.
      why: training ended, in words.
      sha256: of the kept weights.
      made_by: digest of the settings and inputs that they were trained with; "" in files of earlier
        versions.
    """

    step: int
    half_life: int
    val_loss: float | None
    nearness: float | None
    ended_at: int
    why: str
    sha256: str
    made_by: str = ""
