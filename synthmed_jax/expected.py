"""How long the long stages will take here: a few real calls of each, timed before the work."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from synthmed_jax import checkpoint, parallel, search, stages
from synthmed_jax.classifiers import settings as classifier_settings
from synthmed_jax.classifiers.programs import Programs, State
from synthmed_jax.data import synthetic
from synthmed_jax.diffusion import sampling, sweep, validate
from synthmed_jax.diffusion.settings import check_batch
from synthmed_jax.diffusion.step import init_state
from synthmed_jax.experiment import Run
from synthmed_jax.explain import gallery

TIMED_CALLS = 3
LONG = 0.5  # seconds
FEATURES = "features"  # In the place of a network's name: the small one that sets are compared in.


def seconds_a_call(call: Callable[[], Any]) -> float:
    """Median seconds of TIMED_CALLS calls after one that compiles, of fewer if they are long."""
    jax.block_until_ready(call())
    seconds: list[float] = []
    # A training must not wait for the clock: a long call says enough alone.
    while len(seconds) < TIMED_CALLS and sum(seconds) < LONG:
        started = time.monotonic()
        jax.block_until_ready(call())
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def expected_seconds(run: Run, names: list[str]) -> dict[str, float]:
    """Expected seconds of those of `names` that take long, for the work that is still to do.

    Early stops are not foreseen, nor what is short: reading, evaluation, report; what a broken-off
    explanation knows already is not taken off.
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
    seconds = steps * _seconds_a_diffusion_step(run)
    _, num_val = run.part_sizes
    if num_val:
        images = len(train.ema_half_lives) * num_val / len(folders) * validate.NOISE_LEVELS
        images += validate.NEARNESS_SAMPLES * validate.NEARNESS_STEPS
        seconds += steps / train.val_every * images * _seconds_an_evaluation(run)
    return seconds


def _seconds_a_diffusion_step(run: Run) -> float:
    if "diffusion step" in run.timings:
        return run.timings["diffusion step"]
    train = run.settings.train
    check_batch(train)
    state = init_state(train, run.model)
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

    run.timings["diffusion step"] = seconds_a_call(step)
    return run.timings["diffusion step"]


def _seconds_an_evaluation(run: Run) -> float:
    """One evaluation of the diffusion network for one image, inside the sampler."""
    if "evaluation" not in run.timings:
        draw = run.draw
        label = index = np.zeros(draw.block, np.int32)
        params = init_state(run.settings.train, run.model).params
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
    num_fit, num_val = run.part_sizes
    num_synthetic = run.settings.per_class * len(run.data.images.class_names)
    sizes = {"synthetic": num_synthetic, "real": num_fit}
    seconds = 0.0
    for cell in run.cells:
        folders = [cell.folder(run.workdir / "classify", fold) for fold in range(settings.folds)]
        left = sum(_share_left(run, folder) for folder in folders)
        num_train = sizes[cell.arm] * (settings.folds - 1) // settings.folds
        num_predicted = sizes[cell.arm] - num_train + num_val
        if left:
            seconds += left * _seconds_a_training(run, cell.backbone, num_train, num_predicted)
    return seconds


def _share_left(run: Run, folder: pathlib.Path) -> float:
    """Of a classifier's training, 0 to 1."""
    if (folder / "result.json").exists():
        return 0.0
    epochs = checkpoint.latest_step(folder / "resume") or 0
    return 1 - epochs / run.settings.classifier.max_epochs


def _features(run: Run) -> float:
    left = _share_left(run, run.workdir / "features")
    return left * _seconds_a_training(run, FEATURES, *run.part_sizes)


def _sweep(run: Run) -> float:
    """Nothing is left of a sweep that was broken off."""
    settings, block = run.settings.sweep, run.settings.block
    num_classes = len(run.data.images.class_names)
    images = num_classes * settings.seeds * -(-settings.per_class // block) * block
    evaluations = 0
    for sampler, steps in map(sweep.parse, settings.candidates):
        sample = dataclasses.replace(run.settings.sample, sampler=sampler, steps=steps, eta=0.0)
        evaluations += len(sampling.make_table(sample, run.model).t)
    return images * evaluations * _seconds_an_evaluation(run)


def _tune(run: Run) -> float:
    """Trials as long as the present settings', and none cut short."""
    tune, folds = run.settings.tune, run.settings.classifier.folds
    left = tune.trials - search.count_finished(tune, run.search_folder)
    if left <= 0:
        return 0.0
    draws = tune.target == "diffusion"
    per_class = tune.per_class if draws else run.settings.per_class
    images = per_class * len(run.data.images.class_names)
    network = FEATURES if draws else run.settings.backbones[0]
    seconds = _seconds_a_training(run, network, images * (folds - 1) // folds, sum(run.part_sizes))
    if draws:
        seconds += tune.steps * _seconds_a_diffusion_step(run)
        seconds += images * run.draw.evaluations * _seconds_an_evaluation(run)
    return left * seconds


def _seconds_a_training(run: Run, network: str, num_train: int, num_predicted: int) -> float:
    """One classifier's training to its last epoch, each of which ends with predictions."""
    settings = run.settings.classifier
    batch_size = classifier_settings.batch_of(settings, num_train)
    if not batch_size:
        return 0.0
    steps = classifier_settings.steps_of(settings, num_train)
    an_epoch = steps * _seconds_a_classifier_step(run, network, batch_size)
    an_epoch += num_predicted * _seconds_a_prediction(run, network)
    return settings.max_epochs * an_epoch


def _seconds_a_classifier_step(run: Run, network: str, batch_size: int) -> float:
    name = f"{network} {batch_size}"
    if name not in run.timings:
        programs, state = _fresh(run, network)
        batch = {"image": _blank(run, batch_size), "label": np.zeros(batch_size, np.int32)}

        def step() -> Any:
            nonlocal state
            state, metrics = programs.step(state, batch)
            return metrics

        run.timings[name] = seconds_a_call(step)
    return run.timings[name]


def _seconds_a_prediction(run: Run, network: str) -> float:
    """For one image, in a full batch."""
    name = f"{network} predicts"
    if name not in run.timings:
        programs, state = _fresh(run, network)
        batch_size = run.settings.classifier.batch_size
        variables = parallel.everywhere(state.variables)
        images = _blank(run, batch_size)
        seconds = seconds_a_call(lambda: programs.predict(variables, images))
        run.timings[name] = seconds / batch_size
    return run.timings[name]


def _fresh(run: Run, network: str) -> tuple[Programs, State]:
    programs = run.feature_programs if network == FEATURES else run.programs_of(network)
    rates = classifier_settings.make_rates(run.settings.classifier, 1)
    return programs, programs.init(jax.random.key(0), rates)


def _blank(run: Run, count: int) -> np.ndarray:
    """u8[count,S,S,C], images for the classifiers."""
    size = run.settings.classifier.image_size
    return np.zeros((count, size, size, run.settings.data.channels), np.uint8)


def _explain(run: Run) -> float:
    """For the network that is known to be explained, or else the first; all else is short."""
    known = stages.is_finished(run, "evaluate")
    network = run.explained.backbone if known else run.settings.backbones[0]
    num_classes = len(run.data.images.class_names)
    evaluations = gallery.num_evaluations(run.settings.explain, num_classes)
    return evaluations * _seconds_a_prediction(run, network)


ESTIMATES: dict[str, Callable[[Run], float]] = {
    "features": _features,
    "diffusion": _diffusion,
    "generate": _generate,
    "sweep": _sweep,
    "tune": _tune,
    "classify": _classify,
    "explain": _explain,
}
