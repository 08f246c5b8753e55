"""What all races share: the U-Nets, their settings, options, and the matmul peak."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import apart
from configs import base
from synthmed_jax import parallel, settings
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.settings import TrainSettings
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.diffusion.unet_settings import UNetSettings

SIDE, NUM_CLASSES, STEPS = 32, 4, 1000
SCHEDULE = make_schedule("linear", STEPS)
Options = argparse.Namespace
PEAK_SIDE = 1536  # of the square matrices whose product gives the peak


def make_network(options: Options) -> UNetSettings:
    """The U-Net of --network.

    "reference": --channels wide, no attention, added embeddings, no dropout; "cpu": the preset's.
    """
    if options.network == "cpu":
        config = base.get_config("cpu")
        config.data.name = "phantom"
        return settings.from_config(config).diffusion.unet
    if options.network != "reference":
        raise SystemExit(f"--network={options.network} is neither reference nor cpu")
    return UNetSettings(
        options.channels, (1, 2, 2), 2, (), patch=1, dropout=0.0,
        middle_attention=False, embedding="add",
    )  # fmt: skip


def name_of(options: Options) -> str:
    """What a race of U-Nets says of its network."""
    if options.network == "cpu":
        return "the cpu preset's network"
    return f"reference, {options.channels} channels"


def make_model(network: UNetSettings) -> Model:
    """A U-Net for images of 32x32x1 and four classes."""
    return Model(UNet(network, NUM_CLASSES), SCHEDULE, "eps", (SIDE, SIDE, 1))


def parse_unet(description: str | None, **defaults: int) -> Options:
    """`parse` with the options of the races of U-Nets."""
    return parse(description, network="reference", channels=64, batch_size=32, **defaults)


def make_settings(batch_size: int) -> TrainSettings:
    """Adam, a clipped gradient and one moving average, as on PyTorch's side."""
    return TrainSettings(
        steps=10**6, batch_size=batch_size, accumulate=1, learning_rate=1e-4, warmup_steps=0,
        ema_half_lives=(7000,), clip_norm=1.0, weighting="simple", timesteps="uniform",
        label_dropout=0.0, log_every=1, val_every=1, patience=0, save_minutes=1e9, seed=0,
    )  # fmt: skip


def count(params: Any) -> int:
    """Number of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def check_same(contestants: Mapping[str, apart.Contestant]) -> None:
    """Ends the race if a peer's number of parameters differs from ours by more than 0.1 %."""
    own = contestants["ours"].facts["parameters"]
    for name, contestant in contestants.items():
        parameters = contestant.facts.get("parameters", own)
        if abs(own / parameters - 1) > 1e-3:
            raise SystemExit(f"{own} parameters against {parameters} of {name}: other networks")


def make_matmul(options: Options) -> apart.Made:
    """One matmul on all devices at once, and its "flops"."""
    parallel.set_up_devices(options.cpu_devices)
    devices = jax.local_device_count()
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(devices, PEAK_SIDE, PEAK_SIDE)).astype(np.float32) for _ in range(2))
    product = jax.pmap(jnp.matmul)
    on_devices = [jax.pmap(lambda x: x + 0)(x) for x in (a, b)]

    def call() -> None:
        product(*on_devices).block_until_ready()

    return call, {"flops": devices * 2.0 * PEAK_SIDE**3}


def facts_of_ours(params: Any) -> apart.Facts:
    """What a race says of our network."""
    return {"parameters": count(params), "devices": jax.local_device_count()}


def describe_flops(
    result: dict[str, Any], flops_per_image: float, batch_size: int, matmul_flops: float
) -> dict[str, float]:
    """Returns our floating-point operations per second, and their share of the matmul peak.

    Args:
      result: what `duel.run` returned; "_matmul" is removed from its rates.
      flops_per_image: operations per image if convolutions are computed directly.
      batch_size: images per call.
      matmul_flops: operations per call of "_matmul".
    """
    peak = statistics.median(result["rates"].pop("_matmul")) / batch_size * matmul_flops
    return {
        "gflops_per_image": flops_per_image / 1e9,
        "ours_gflop_per_s": result["ours"] * flops_per_image / 1e9,
        "matmul_gflop_per_s": peak / 1e9,
        "share_of_matmul_peak": result["ours"] * flops_per_image / peak,
    }


def parse(description: str | None, **defaults: int | str) -> Options:
    """Reads the options of one race and those of all races, and sets up this process's devices."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument(
        "--cpu_devices", type=int, default=2, help="virtual devices; 0: one per core"
    )
    parser.add_argument("--no_compile", action="store_true", help="without torch.compile")
    parser.add_argument("--torch_device", default="cpu", help="of PyTorch; cuda beside JAX's GPU")
    options = parser.parse_args()
    parallel.set_up_devices(options.cpu_devices)
    return options


def torch_variants(options: Options) -> dict[str, dict[str, bool]]:
    """The ways to run PyTorch's network; the fastest is the peer."""
    variants = {
        "torch eager": {"channels_last": False, "compiled": False},
        "torch channels_last": {"channels_last": True, "compiled": False},
    }
    if not options.no_compile:
        variants["torch compile"] = {"channels_last": True, "compiled": True}
    return variants
