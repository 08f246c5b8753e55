"""A classifier's training images per second, against torchvision's network in PyTorch.

    python -m benchmarks.classifier_train --backbone=resnet18

One call is a whole optimiser step: normalising, forward and backward pass, and AdamW.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import torch
from torch.nn import functional as F

from benchmarks import duel, reference, torch_device, torchvision_networks
from configs import base
from synthmed_jax import settings
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import TrainingSettings, make_rates

NUM_CLASSES = 4


def make_settings(options: reference.Options) -> TrainingSettings:
    """Settings of the scale `cpu`, at the sizes of the race."""
    config = base.get_config("cpu")
    config.data.name = "phantom"
    config.classifier.update(
        backbone=options.backbone, image_size=options.image_size, batch_size=options.batch_size
    )
    return settings.from_config(config).classifier


def make_batch(options: reference.Options) -> dict[str, np.ndarray]:
    """Images of noise, with labels."""
    rng = np.random.default_rng(0)
    shape = (options.batch_size, options.image_size, options.image_size, 3)
    return {
        "image": rng.integers(0, 256, shape, np.uint8),
        "label": rng.integers(0, NUM_CLASSES, options.batch_size).astype(np.int32),
    }


def make_ours(options: reference.Options) -> tuple[Callable[[], None], int]:
    """One training step of our network, and its number of parameters."""
    own = make_settings(options)
    programs = make_programs(make_network(options.backbone, NUM_CLASSES, own), own)
    rates = make_rates(own, steps_per_epoch=1000)
    state, batch = programs.init(jax.random.key(0), rates), make_batch(options)
    parameters = reference.count(state.params)

    def call() -> None:
        nonlocal state
        state, metrics = programs.step(state, batch)
        jax.block_until_ready(metrics)

    return call, parameters


def make_torch(
    options: reference.Options, *, channels_last: bool, compiled: bool
) -> tuple[Callable[[], None], int]:
    """One training step of PyTorch's network, and its number of parameters."""
    network, layout = torchvision_networks.make_network(
        options.backbone, NUM_CLASSES, channels_last=channels_last
    )
    network.train()
    run = torch.compile(network) if compiled else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01)
    batch = make_batch(options)
    label = torch.tensor(batch["label"]).long()

    def call() -> None:
        loss = F.cross_entropy(run(torchvision_networks.normalise(batch["image"], layout)), label)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()

    return call, sum(p.numel() for p in network.parameters())


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=64, backbone="resnet18", image_size=64)
    torch_device.set_up(options.torch_device)
    ours, own_parameters = make_ours(options)
    contestants = {"ours": ours}
    for name, variant in reference.torch_variants(options).items():
        contestants[name], parameters = make_torch(options, **variant)
        if parameters != own_parameters:
            raise SystemExit(
                f"{own_parameters} parameters against {parameters}: these are different networks"
            )
    result = duel.run(
        f"classifier_train {options.backbone}",
        contestants,
        ours="ours",
        pairs=options.pairs,
        per_call=options.batch_size,
        unit="images/s",
    )
    duel.report(result | {"parameters": own_parameters, "devices": jax.local_device_count()})


if __name__ == "__main__":
    main()
