"""A classifier's training images per second, against torchvision's network in PyTorch.

    python -m benchmarks.classifier_train --backbone=resnet18

One call is a whole optimiser step: normalising, forward and backward pass, and AdamW.
"""

from __future__ import annotations

import jax
import torch
from torch.nn import functional as F

from benchmarks import apart, reference, torch_device, torchvision_networks
from benchmarks.reference_classifier import NUM_CLASSES, make_batch, make_settings, race
from synthmed_jax import parallel
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates


def make_ours(options: reference.Options) -> apart.Made:
    """One training step of our network."""
    parallel.set_up_devices(options.cpu_devices)
    own = make_settings(options)
    programs = make_programs(make_network(options.backbone, NUM_CLASSES, own), own)
    rates = make_rates(own, steps_per_epoch=1000)
    state, batch = programs.init(jax.random.key(0), rates), make_batch(options)
    facts = reference.facts_of_ours(state.params)

    def call() -> None:
        nonlocal state
        state, metrics = programs.step(state, batch)
        jax.block_until_ready(metrics)

    return call, facts


def make_torch(options: reference.Options, *, channels_last: bool, compiled: bool) -> apart.Made:
    """One training step of PyTorch's network."""
    torch_device.set_up(options.torch_device)
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

    return call, {"parameters": torch_device.count(network)}


def main() -> None:
    """Runs the race."""
    options = reference.parse(__doc__, pairs=5, batch_size=64, backbone="resnet18", image_size=64)
    race("classifier_train", options, make_ours, make_torch)


if __name__ == "__main__":
    main()
