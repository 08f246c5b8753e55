"""How much noise differential privacy would need for a training of the generator.

    pip install dp-accounting
    python -m benchmarks.dp_noise --images=282 --steps=15500 --parameters=900000

DP-SGD (Abadi et al., 2016) clips the gradient of each image to a length C and adds Gaussian noise
of deviation sigma * C to every weight of their sum. An accountant gives the sigma that keeps the
whole training within (epsilon, delta). Printed beside it: the length of the noise in the mean
gradient of a batch, in units of C, which is the most that this gradient itself can be.
"""

from __future__ import annotations

import argparse
import json
import math

import dp_accounting
from dp_accounting.rdp import RdpAccountant


def noise_multiplier(
    images: int, batch_size: int, steps: int, epsilon: float, delta: float
) -> float:
    """Returns the least sigma for which a training is (epsilon, delta)-private.

    Args:
      images: that the generator learns from; each is in a batch with chance batch_size / images.
      batch_size: images per step, on average.
      steps: optimiser steps.
      epsilon, delta: of what is promised if one image were another.
    """
    share = batch_size / images

    def training(sigma: float) -> dp_accounting.DpEvent:
        step = dp_accounting.PoissonSampledDpEvent(share, dp_accounting.GaussianDpEvent(sigma))
        return dp_accounting.SelfComposedDpEvent(step, steps)

    return float(dp_accounting.calibrate_dp_mechanism(RdpAccountant, training, epsilon, delta))


def noise_length(sigma: float, batch_size: int, parameters: int) -> float:
    """Returns the expected length of the noise in a batch's mean gradient, in units of the clip."""
    return sigma * math.sqrt(parameters) / batch_size


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, required=True, help="fit images")
    parser.add_argument("--steps", type=int, required=True, help="diffusion.train.steps")
    parser.add_argument("--parameters", type=int, required=True, help="weights of the network")
    parser.add_argument("--batch_size", type=int, default=16, help="diffusion.train.batch_size")
    parser.add_argument("--epsilon", type=float, default=8.0)
    parser.add_argument("--delta", type=float, default=1e-5)
    options = parser.parse_args()
    sigma = noise_multiplier(
        options.images, options.batch_size, options.steps, options.epsilon, options.delta
    )
    length = noise_length(sigma, options.batch_size, options.parameters)
    print(json.dumps(vars(options) | {"noise_multiplier": sigma, "noise_over_clip": length}))


if __name__ == "__main__":
    main()
