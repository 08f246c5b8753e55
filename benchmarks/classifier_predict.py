"""A classifier's predicted images per second, against torchvision's network in PyTorch.

    python -m benchmarks.classifier_predict --backbone=resnet18

One call predicts the probabilities of eight batches of uint8 images.
"""

from __future__ import annotations

import jax
import numpy as np
import torch

from benchmarks import apart, reference, torch_device, torchvision_networks
from benchmarks.reference_classifier import NUM_CLASSES, make_batch, make_settings, race
from synthmed_jax import parallel
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates

BATCHES = 8


def make_images(options: reference.Options) -> np.ndarray:
    """The images of one call."""
    return np.concatenate([make_batch(options)["image"]] * BATCHES)


def make_ours(options: reference.Options) -> apart.Made:
    """Prediction by our network."""
    parallel.set_up_devices(options.cpu_devices)
    own, images = make_settings(options), make_images(options)
    programs = make_programs(make_network(options.backbone, NUM_CLASSES, own), own)
    state = programs.init(jax.random.key(0), make_rates(own, steps_per_epoch=1000))
    variables = state.variables

    def call() -> None:
        programs.predict(variables, images)

    return call, reference.facts_of_ours(state.params)


def make_torch(options: reference.Options, *, channels_last: bool, compiled: bool) -> apart.Made:
    """Prediction by PyTorch's network."""
    torch_device.set_up(options.torch_device)
    images = make_images(options)
    network, layout = torchvision_networks.make_network(
        options.backbone, NUM_CLASSES, channels_last=channels_last
    )
    network.eval()
    run = torch.compile(network) if compiled else network

    @torch.inference_mode()
    def call() -> None:
        for batch in np.split(images, BATCHES):
            torch.softmax(run(torchvision_networks.normalise(batch, layout)), -1).cpu().numpy()

    return call, {"parameters": torch_device.count(network)}


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=64, backbone="resnet18", image_size=64)
    race("classifier_predict", options, make_ours, make_torch, BATCHES)


if __name__ == "__main__":
    main()
