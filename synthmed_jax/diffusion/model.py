"""A diffusion model without its weights: network, noise schedule, what the network predicts."""

from __future__ import annotations

import dataclasses

import jax

from synthmed_jax.diffusion import denoisers, process
from synthmed_jax.diffusion.samplers import DenoiseFn
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.diffusion.unet import Params, UNet, apply


@dataclasses.dataclass(frozen=True)
class Model:
    """What training, sampling and evaluation share.

    Attributes:
      unet: the network.
      schedule: the noise of T steps.
      prediction: what the network predicts, one of PREDICTIONS.
      image_shape: (H, W, C).

    Raises:
      UserError: see `process.check_prediction`.
    """

    unet: UNet
    schedule: Schedule
    prediction: str
    image_shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        process.check_prediction(self.schedule, self.prediction)

    def denoiser(self, params: Params, label: jax.Array) -> DenoiseFn:
        """Returns (x_t f32[B,H,W,C], t i32[B]) -> estimate of x_0 f32[B,H,W,C], not thresholded.

        Args:
          label: i32[B], each image's class.
        """
        return denoisers.from_network(
            lambda x_t, t: apply(self.unet, params, x_t, t, label), self.schedule, self.prediction
        )
