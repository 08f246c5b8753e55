"""Time and memory of one training step at the scale `paper`: for a GPU or a TPU.

    python -m benchmarks.paper_steps
    python -m benchmarks.paper_steps --dtypes bfloat16 --networks unet

The U-Net learns from 128x128 images of noise, ResNet-18 from 224x224 ones, in the batches of
configs/base.py. Says the median step, the images per second, what the whole training would take at
that rate, and the device's peak memory so far, where it says one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import numpy as np

from benchmarks import duel, reference
from configs import base
from synthmed_jax import settings
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates
from synthmed_jax.diffusion import schedule
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import init_state, make_step
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.settings import Settings

NUM_CLASSES, STEPS_TIMED = reference.NUM_CLASSES, 30

# Does one step and waits for it; images per step; steps of the whole training; parameters.
Training = tuple[Callable[[], None], int, int, int]


def make_settings(dtype: str) -> Settings:
    """The scale `paper`, in one precision of the networks."""
    config = base.get_config("paper")
    config.data.name = "phantom"
    config.diffusion.unet.dtype = config.classifier.dtype = dtype
    return settings.from_config(config)


def unet(chosen: Settings) -> Training:
    """Training of the generator."""
    diffusion, side = chosen.diffusion, chosen.data.image_size
    steps = schedule.make_schedule(diffusion.noise_schedule, diffusion.num_steps)
    shape = (side, side, chosen.data.channels)
    model = Model(UNet(diffusion.unet, NUM_CLASSES), steps, diffusion.prediction, shape)
    step, state = make_step(diffusion.train, model), init_state(diffusion.train, model)
    parameters, batch = reference.count(state.params), _noise(diffusion.train.batch_size, shape)

    def call() -> None:
        nonlocal state
        state, metrics = step(state, batch)
        jax.block_until_ready(metrics)

    return call, diffusion.train.batch_size, diffusion.train.steps, parameters


def resnet18(chosen: Settings) -> Training:
    """One training of a classifier."""
    own = chosen.classifier
    programs = make_programs(make_network("resnet18", NUM_CLASSES, own), own)
    state = programs.init(jax.random.key(0), make_rates(own, steps_per_epoch=1000))
    parameters = reference.count(state.params)
    batch = _noise(own.batch_size, (own.image_size, own.image_size, 3))

    def call() -> None:
        nonlocal state
        state, metrics = programs.step(state, batch)
        jax.block_until_ready(metrics)

    return call, own.batch_size, own.steps, parameters


NETWORKS = {"unet": unet, "resnet18": resnet18}


def _noise(batch_size: int, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (batch_size, *shape), np.uint8),
        "label": rng.integers(0, NUM_CLASSES, batch_size).astype(np.int32),
    }


def measure(name: str, dtype: str) -> dict[str, object]:
    """Times the steps of one network in one precision."""
    call, batch_size, steps, parameters = NETWORKS[name](make_settings(dtype))
    started = time.perf_counter()
    call()
    compiling = time.perf_counter() - started
    call()
    seconds = []
    for _ in range(STEPS_TIMED):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    memory = jax.local_devices()[0].memory_stats() or {}
    return {
        "name": f"paper_steps {name} {dtype}",
        "device": jax.local_devices()[0].device_kind,
        "parameters": parameters,
        "batch_size": batch_size,
        "first_step_s": compiling,
        "step_ms": 1e3 * median,
        "images_per_s": batch_size / median,
        "training_hours": steps * median / 3600,
        "peak_gib": memory.get("peak_bytes_in_use", 0) / 2**30 or None,
    }


def main() -> None:
    """Measures, one line of JSON per network and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float32"])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    options = parser.parse_args()
    for dtype in options.dtypes:
        for name in options.networks:
            duel.report(measure(name, dtype))


if __name__ == "__main__":
    main()
