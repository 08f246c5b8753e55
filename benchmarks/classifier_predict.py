"""A classifier's predicted images per second, against torchvision's network in PyTorch.

    python -m benchmarks.classifier_predict --backbone=resnet18

One call predicts the probabilities of eight batches of uint8 images.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import torch

from benchmarks import duel, reference, torch_device, torchvision_networks
from benchmarks.reference_classifier import NUM_CLASSES, make_batch, make_settings
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates

BATCHES = 8


def make_ours(options: reference.Options, images: np.ndarray) -> Callable[[], None]:
    """Prediction by our network."""
    own = make_settings(options)
    programs = make_programs(make_network(options.backbone, NUM_CLASSES, own), own)
    state = programs.init(jax.random.key(0), make_rates(own, steps_per_epoch=1000))
    variables = state.variables

    def call() -> None:
        programs.predict(variables, images)

    return call


def make_torch(
    options: reference.Options, images: np.ndarray, *, channels_last: bool, compiled: bool
) -> Callable[[], None]:
    """Prediction by PyTorch's network."""
    network, layout = torchvision_networks.make_network(
        options.backbone, NUM_CLASSES, channels_last=channels_last
    )
    network.eval()
    run = torch.compile(network) if compiled else network

    @torch.inference_mode()
    def call() -> None:
        for batch in np.split(images, BATCHES):
            torch.softmax(run(torchvision_networks.normalise(batch, layout)), -1).numpy()

    return call


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=64, backbone="resnet18", image_size=64)
    images = np.concatenate([make_batch(options)["image"]] * BATCHES)
    contestants = {"ours": make_ours(options, images)}
    for name, variant in reference.torch_variants(options).items():
        contestants[name] = make_torch(options, images, **variant)
    result = duel.run(
        f"classifier_predict {options.backbone}",
        contestants,
        ours="ours",
        pairs=options.pairs,
        per_call=len(images),
        unit="images/s",
    )
    result |= torch_device.check_threads()
    duel.report(result | {"devices": jax.local_device_count()})


if __name__ == "__main__":
    main()
