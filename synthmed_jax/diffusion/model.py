"""A diffusion model without its weights: network, process, and what the network predicts."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from synthmed_jax.diffusion import denoisers, process
from synthmed_jax.diffusion.samplers import DenoiseFn
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.diffusion.unet import UNet, apply


@dataclasses.dataclass(frozen=True)
class Model:
    """What training, sampling and evaluation share.

    Attributes:
      unet: the network.
      schedule: of T steps.
      prediction: what the network predicts, one of PREDICTIONS.
      image_shape: (H, W, C).
    """

    unet: UNet
    schedule: Schedule
    prediction: str
    image_shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        process.check_prediction(self.schedule, self.prediction)

    def denoiser(self, params: Any, label: jax.Array) -> DenoiseFn:
        """(x_t f32[B,H,W,C], t i32[B]) -> x_0 estimate for classes i32[B], without thresholds."""
        return denoisers.from_network(
            lambda x_t, t: apply(self.unet, params, x_t, t, label), self.schedule, self.prediction
        )
