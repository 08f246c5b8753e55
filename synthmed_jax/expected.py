"""How long the long stages will take here: a few real calls of each, timed before the work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from synthmed_jax import checkpoint
from synthmed_jax.classifiers import cross_validate
from synthmed_jax.classifiers import train as classifier_train
from synthmed_jax.data import synthetic
from synthmed_jax.diffusion import train as diffusion_train
from synthmed_jax.diffusion import validate
from synthmed_jax.experiment import Run

TIMED_CALLS = 3
# Prediction is a forward pass; training is one and two backward ones of the same size.
FORWARD_SHARE = 1 / 3


def seconds_a_call(call: Callable[[], Any]) -> float:
    """Median seconds of TIMED_CALLS calls, after one that compiles."""
    jax.block_until_ready(call())
    seconds = []
    for _ in range(TIMED_CALLS):
        started = time.monotonic()
        jax.block_until_ready(call())
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def expected_seconds(run: Run, names: list[str]) -> dict[str, float]:
    """Expected seconds of those of `names` that take long, for the work that is still to do.

    Early stops are not foreseen, nor what is short: reading, evaluation, explanations, report.
    """
    return {name: ESTIMATES[name](run) for name in names if name in ESTIMATES}


def in_words(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    for unit, size, least in [("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2)]:
        if seconds >= least * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 or unit == "min" else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s"


def _diffusion(run: Run) -> float:
    train, folders = run.settings.train, run.generator_folders
    done = [
        train.steps
        if (folder / "best.json").exists()
        else checkpoint.latest_step(folder / "checkpoints") or 0
        for folder in folders
    ]
    steps = len(folders) * train.steps - sum(done)
    if not steps:
        return 0.0
    diffusion_train.check_batch(train)
    state = diffusion_train.init_state(train, run.model)
    batch: dict[str, np.ndarray] = {
        "image": np.zeros((train.batch_size, *run.model.image_shape), np.uint8),
        "label": np.zeros(train.batch_size, np.int32),
    }
    if run.model.unet.warp_numbers:
        batch["warp"] = np.zeros((train.batch_size, run.model.unet.warp_numbers), np.float32)

    def step() -> Any:
        nonlocal state
        state, metrics = run.diffusion_step(state, batch)
        return metrics

    seconds = steps * seconds_a_call(step)
    _, num_val = run.part_sizes
    if num_val:
        images = len(train.ema_half_lives) * num_val / len(folders) * validate.NOISE_LEVELS
        images += validate.NEARNESS_SAMPLES * validate.NEARNESS_STEPS
        seconds += steps / train.val_every * images * _seconds_an_evaluation(run)
    return seconds


def _seconds_an_evaluation(run: Run) -> float:
    """One evaluation of the diffusion network for one image, inside the sampler."""
    if "evaluation" not in run.timings:
        draw = run.draw
        label = index = np.zeros(draw.block, np.int32)
        params = diffusion_train.init_state(run.settings.train, run.model).params
        walk = draw.start(label, index)
        seconds = seconds_a_call(lambda: draw.advance(params, label, index, walk, 0))
        run.timings["evaluation"] = seconds / draw.chunk_rows / draw.block
    return run.timings["evaluation"]


def _generate(run: Run) -> float:
    num_classes, block = len(run.data.images.class_names), run.settings.block
    wanted = num_classes * -(-run.settings.per_class // block) * block
    directory = run.workdir / "synthetic"
    if (directory / "manifest.csv").exists():
        wanted -= len(synthetic.read_manifest(directory))
    if wanted <= 0:
        return 0.0
    return wanted * run.draw.evaluations * _seconds_an_evaluation(run)


def _classify(run: Run) -> float:
    settings = run.settings.classifier
    num_fit, _ = run.part_sizes
    num_synthetic = run.settings.per_class * len(run.data.images.class_names)
    sizes = {"synthetic": num_synthetic, "real": num_fit}
    seconds = 0.0
    for cell in run.cells:
        folders = [
            cross_validate.fold_folder(run.workdir / "classify", cell, fold)
            for fold in range(settings.folds)
        ]
        left = sum(not (folder / "result.json").exists() for folder in folders)
        num_train = sizes[cell.arm] * (settings.folds - 1) // settings.folds
        batch_size = classifier_train.batch_of(settings, num_train)
        if not left or not batch_size:
            continue
        steps = classifier_train.steps_of(settings, num_train) * settings.max_epochs
        a_step = _seconds_a_classifier_step(run, cell.backbone, batch_size)
        predicted = (sizes[cell.arm] - num_train) * settings.max_epochs
        seconds += left * a_step * (steps + FORWARD_SHARE * predicted / batch_size)
    return seconds


def _seconds_a_classifier_step(run: Run, backbone: str, batch_size: int) -> float:
    name = f"{backbone} {batch_size}"
    if name not in run.timings:
        programs, size = run.programs_of(backbone), run.settings.classifier.image_size
        channels = run.settings.data.channels
        rates = classifier_train.make_rates(run.settings.classifier, 1)
        state = programs.init(jax.random.key(0), rates)
        batch: dict[str, np.ndarray] = {
            "image": np.zeros((batch_size, size, size, channels), np.uint8),
            "label": np.zeros(batch_size, np.int32),
        }

        def step() -> Any:
            nonlocal state
            state, metrics = programs.step(state, batch)
            return metrics

        run.timings[name] = seconds_a_call(step)
    return run.timings[name]


ESTIMATES: dict[str, Callable[[Run], float]] = {
    "diffusion": _diffusion,
    "generate": _generate,
    "classify": _classify,
}
