"""Sampled images per second of our U-Net, against the same network in PyTorch.

    python -m benchmarks.unet_sample --channels=64 --steps=20

One call draws one batch with DDIM, in the same number of evaluations for everyone. PyTorch's side
uses diffusers' DDIMScheduler.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import torch

from benchmarks import torchvision_ops  # noqa: F401, isort: skip
from diffusers import DDIMScheduler
from torch import nn

from benchmarks import duel, reference, torch_device, torch_unet
from synthmed_jax.diffusion import sampling
from synthmed_jax.diffusion.settings import UNetSettings


def make_ours(network: UNetSettings, batch_size: int, steps: int) -> tuple[Callable[[], None], int]:
    """Draws one batch with our network; also returns its number of parameters."""
    model = reference.make_model(network)
    x, t = np.zeros((1, *model.image_shape), np.float32), np.zeros(1, np.int32)
    params = jax.jit(model.unet.init)(jax.random.key(0), x, t, t)["params"]
    settings = sampling.SampleSettings("ddim", steps, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
    draw = sampling.Draw(settings, model, batch_size)
    index = np.arange(batch_size, dtype=np.int32)

    def call() -> None:
        draw(params, index % reference.NUM_CLASSES, index)

    return call, reference.count(params)


def make_torch(
    network: nn.Module, batch_size: int, steps: int, *, channels_last: bool, compiled: bool
) -> Callable[[], None]:
    """Draws one batch with PyTorch's network."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.eval().to(memory_format=layout)
    run = torch.compile(network) if compiled else network
    scheduler = DDIMScheduler(num_train_timesteps=reference.STEPS, clip_sample=True)
    scheduler.set_timesteps(steps)
    label = torch.arange(batch_size) % reference.NUM_CLASSES
    shape = (batch_size, 1, reference.SIDE, reference.SIDE)

    @torch.inference_mode()
    def call() -> None:
        x = torch.randn(shape).to(memory_format=layout)
        for t in scheduler.timesteps:
            output = run(x, t.expand(batch_size), label)
            x = scheduler.step(output, t, x).prev_sample
        ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()

    return call


def main() -> None:
    """Runs the race."""
    options = reference.parse_unet(__doc__, pairs=5, steps=20)
    torch_device.set_up(options.torch_device)
    config = reference.make_network(options)
    ours, own_parameters = make_ours(config, options.batch_size, options.steps)
    contestants = {"ours": ours}
    for name, variant in reference.torch_variants(options).items():
        network = torch_unet.make(config)
        reference.check_same(name, own_parameters, torch_unet.count(network))
        contestants[name] = make_torch(network, options.batch_size, options.steps, **variant)
    matmul, matmul_flops = reference.make_matmul()
    contestants["_matmul"] = matmul
    result = duel.run(
        f"unet_sample, {reference.name_of(options)}, {options.steps} evaluations",
        contestants,
        ours="ours",
        pairs=options.pairs,
        per_call=options.batch_size,
        unit="images/s",
    )
    flops = options.steps * torch_unet.forward_flops(torch_unet.make(config))
    result |= reference.describe_flops(result, flops, options.batch_size, matmul_flops)
    result |= torch_device.check_threads()
    duel.report(result | {"parameters": own_parameters, "devices": jax.local_device_count()})


if __name__ == "__main__":
    main()
