"""Sampled images per second of our U-Net, against the same network in PyTorch.

    python -m benchmarks.unet_sample --channels=64 --steps=20

One call draws one batch with DDIM, in the same number of evaluations for everyone. PyTorch's side
uses diffusers' DDIMScheduler.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import torch

from benchmarks import torchvision_ops  # noqa: F401, isort: skip
from diffusers import DDIMScheduler

from benchmarks import apart, duel, reference, torch_device, torch_unet
from synthmed_jax import parallel
from synthmed_jax.diffusion import sampling


def make_ours(options: reference.Options) -> apart.Made:
    """Draws one batch with our network."""
    parallel.set_up_devices(options.cpu_devices)
    model = reference.make_model(reference.make_network(options))
    batch_size, steps = options.batch_size, options.steps
    x, t = np.zeros((1, *model.image_shape), np.float32), np.zeros(1, np.int32)
    params = jax.jit(model.unet.init)(jax.random.key(0), x, t, t)["params"]
    settings = sampling.SampleSettings("ddim", steps, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
    draw = sampling.Draw(settings, model, batch_size)
    index = np.arange(batch_size, dtype=np.int32)

    def call() -> None:
        draw(params, index % reference.NUM_CLASSES, index)

    return call, reference.facts_of_ours(params)


def make_torch(options: reference.Options, *, channels_last: bool, compiled: bool) -> apart.Made:
    """Draws one batch with PyTorch's network."""
    torch_device.set_up(options.torch_device)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = torch_unet.make(reference.make_network(options)).eval().to(memory_format=layout)
    batch_size, steps = options.batch_size, options.steps
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

    return call, {"parameters": torch_device.count(network)}


def main() -> None:
    """Runs the race."""
    options = reference.parse_unet(__doc__, pairs=5, steps=20)
    makers: dict[str, Any] = {"ours": functools.partial(make_ours, options)}
    for name, variant in reference.torch_variants(options).items():
        makers[name] = functools.partial(make_torch, options, **variant)
    makers["_matmul"] = functools.partial(reference.make_matmul, options)
    contestants = apart.start(makers)
    reference.check_same(contestants)
    result = duel.run(
        f"unet_sample, {reference.name_of(options)}, {options.steps} evaluations",
        apart.turns(contestants),
        ours="ours",
        pairs=options.pairs,
        per_call=options.batch_size,
        unit="images/s",
    )
    flops = options.steps * torch_unet.forward_flops(
        torch_unet.make(reference.make_network(options))
    )
    matmul_flops = contestants["_matmul"].facts["flops"]
    result |= reference.describe_flops(result, flops, options.batch_size, matmul_flops)
    duel.report(result | contestants["ours"].facts)


if __name__ == "__main__":
    main()
