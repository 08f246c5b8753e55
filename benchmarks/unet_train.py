"""Training images per second of our U-Net, against the same network in PyTorch.

    python -m benchmarks.unet_train --channels=64

One call is a whole optimiser step: forward and backward pass, clipping, Adam, moving average.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks import apart, duel, reference, torch_device, torch_unet
from synthmed_jax import parallel
from synthmed_jax.diffusion.step import init_state, make_step
from synthmed_jax.diffusion.unet_settings import UNetSettings


def make_ours(options: reference.Options) -> apart.Made:
    """One training step of our network."""
    parallel.set_up_devices(options.cpu_devices)
    model, batch_size = reference.make_model(reference.make_network(options)), options.batch_size
    settings = reference.make_settings(batch_size)
    step = make_step(settings, model)
    state = init_state(settings, model)
    facts = reference.facts_of_ours(state.params)
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.integers(0, 256, (batch_size, *model.image_shape), np.uint8),
        "label": rng.integers(0, reference.NUM_CLASSES, batch_size).astype(np.int32),
    }

    def call() -> None:
        nonlocal state
        state, metrics = step(state, batch)
        jax.block_until_ready(metrics)

    return call, facts


def make_torch(
    options: reference.Options,
    make: Callable[[UNetSettings], nn.Module],
    *,
    channels_last: bool,
    compiled: bool,
) -> apart.Made:
    """One training step of PyTorch's network."""
    torch_device.set_up(options.torch_device)
    network, batch_size = make(reference.make_network(options)), options.batch_size
    average = [p.detach().clone() for p in network.parameters()]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    run = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    shape = (batch_size, 1, reference.SIDE, reference.SIDE)
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    label = torch.randint(0, reference.NUM_CLASSES, (batch_size,))
    alpha_bar = torch.tensor(reference.SCHEDULE.alpha_bar, dtype=torch.float32)

    def call() -> None:
        x_0 = (images.float() / 127.5 - 1).to(memory_format=layout)
        t, eps = torch.randint(0, reference.STEPS, (batch_size,)), torch.randn_like(x_0)
        abar = alpha_bar[t][:, None, None, None]
        output = run(abar.sqrt() * x_0 + (1 - abar).sqrt() * eps, t, label)
        loss = F.mse_loss(output, eps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(network.parameters()), 1e-4)
        loss.item()

    return call, {"parameters": torch_device.count(network)}


def main() -> None:
    """Runs the race."""
    options = reference.parse_unet(__doc__, pairs=7)
    makers: dict[str, Any] = {"ours": functools.partial(make_ours, options)}
    for name, variant in reference.torch_variants(options).items():
        makers[name] = functools.partial(make_torch, options, torch_unet.make, **variant)
    if options.network == "reference":
        makers["diffusers channels_last"] = functools.partial(
            make_torch, options, torch_unet.DiffusersUNet, channels_last=True, compiled=False
        )
    makers["_matmul"] = functools.partial(reference.make_matmul, options)
    contestants = apart.start(makers)
    reference.check_same(contestants)
    result = duel.run(
        f"unet_train, {reference.name_of(options)}",
        apart.turns(contestants),
        ours="ours",
        pairs=options.pairs,
        per_call=options.batch_size,
        unit="images/s",
    )
    # A step is a forward pass and a backward pass, which is twice the work.
    flops = 3 * torch_unet.forward_flops(torch_unet.make(reference.make_network(options)))
    matmul_flops = contestants["_matmul"].facts["flops"]
    result |= reference.describe_flops(result, flops, options.batch_size, matmul_flops)
    duel.report(result | contestants["ours"].facts)


if __name__ == "__main__":
    main()
