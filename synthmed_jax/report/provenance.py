"""How a run was made: its choices, settings, stages and machine, as texts for tables."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shlex
from collections.abc import Iterator

from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import NBSP, duration
from synthmed_jax.results.run_info import RunInfo, StageRecord
from synthmed_jax.results.stored import Document

FIELD = re.compile(r"\{([a-z_.]+)\}")

# The choices that a reader asks for first, in words; a row with a field that the config lacks is
# left out.
PROTOCOL = (
    ("scale", "{scale}"),
    ("protocol", "{protocol}"),
    (
        "images",
        "{data.image_size} pixels per side, channels: {data.channels}, made square: {data.square}",
    ),
    ("split", "{split.fraction} of each class for fit + val, groups: {split.group_by}"),
    ("explicit counts", "{split.counts}"),
    ("master seed", "{seed}; it moves those of split, generator, images and classifiers"),
    (
        "generator",
        "diffusion, conditioning: {diffusion.conditioning}; {diffusion.noise_schedule} schedule, "
        "T = {diffusion.num_steps}, predicts {diffusion.prediction}",
    ),
    (
        "its training",
        "{diffusion.train.steps} steps of {diffusion.train.batch_size} images, "
        "learning rate {diffusion.train.learning_rate}, averages of the weights with half-lives of "
        "{diffusion.train.ema_half_lives} steps; share of labels hidden: "
        "{diffusion.train.label_dropout}; augmentation: flips {diffusion.flips}, shift "
        "{diffusion.shift} pixels, warps (which it is told of) with probability {diffusion.warp}",
    ),
    (
        "sampler",
        "{generate.sampler}, {generate.steps} steps spaced evenly in {generate.spacing}; guidance "
        "{generate.guidance} (1.0: none); kept in range by: {generate.threshold}; "
        "{generate.per_class} images per class",
    ),
    ("more of each class where an arm takes more", "{generate.enough_for_arms}"),
    ("synthetic images of single classes", "{generate.counts}"),
    (
        "classifiers",
        "{classifier.backbones} on images of {classifier.image_size} pixels per side; a stem for "
        "small images: {classifier.small_images}; computed in {classifier.dtype}; arms: "
        "{classifier.arms}",
    ),
    ("their first weights", "{classifier.weights}"),
    (
        "their training",
        "AdamW, batches of {classifier.batch_size}, learning rate {classifier.learning_rate} "
        "({classifier.rate_schedule} after one epoch of warm-up), label smoothing "
        "{classifier.label_smoothing}; validation: {classifier.selection}; augmentation: flips "
        "{classifier.flips}, shift {classifier.shift} pixels; also flipped, shifted and warped as "
        "the generator's images, with probability {classifier.warp}: {classifier.augmented}",
    ),
    ("explanations", "LIME, at most {explain.num_samples} perturbed images each"),
    ("they stop", "at a relative error of {explain.precision} (0.0: they take as many as that)"),
)


@dataclasses.dataclass(frozen=True)
class StageRow:
    """A stage of run.json, all texts."""

    name: str
    status: str
    time: str
    memory: str


def protocol(contents: Contents) -> list[tuple[str, str]]:
    """Returns the choices that a reader asks for first, as far as the config has them."""
    rows = []
    for name, text in PROTOCOL:
        values: dict[str, object] = {
            field: contents.setting(field, None) for field in FIELD.findall(text)
        }
        # "" is how the config says that a choice was not made.
        if all(value not in (None, "") for value in values.values()):
            for field, value in values.items():
                text = text.replace("{" + field + "}", plain(value))
            rows.append((name, text))
    return [*rows, ("their budget", _budget(contents)), *_starts(contents)]


def _budget(contents: Contents) -> str:
    """How many trainings each cell has, and how long each takes."""
    seeds, steps = contents.setting("classifier.seeds", 0), contents.setting("classifier.steps", 0)
    folds, epochs = (contents.setting(f"classifier.{name}", 0) for name in ("folds", "max_epochs"))
    many = f"{seeds} trainings on all images" if seeds else f"{folds}-fold cross-validation"
    if steps:
        return f"{many}, each of {steps} optimiser steps, validated {epochs} times"
    least, patience = (
        contents.setting(f"classifier.{name}", 0) for name in ("min_steps", "patience")
    )
    stop = f", stopped after {patience} without a lower validation loss" if patience else ""
    return f"{many}, at most {epochs} epochs (together at least {least} steps){stop}"


def _starts(contents: Contents) -> list[tuple[str, str]]:
    """A row for each file that classifiers started from, and for an input that it wants."""
    rows = {}
    for cell, folds in contents.folds.items():
        for initial in (fold.result.initial for fold in folds if fold.result is not None):
            if initial.sha256 is not None:
                rows[f"first weights of {cell.backbone}"] = (
                    f"{initial.weights}, sha256 {initial.sha256}; last layer: {initial.head}"
                )
            if initial.transform_input is not None:
                rows[f"images of {cell.backbone}"] = (
                    "to mean 0.5 and deviation 0.5, as torchvision's weights of it want them "
                    "(transform_input)"
                )
    return list(rows.items())


def settings(config: Document) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns every field of the config as text, by section; loose fields come first."""
    loose = [(key, plain(value)) for key, value in config.items() if not isinstance(value, dict)]
    blocks = [(key, list(_flat(value))) for key, value in config.items() if isinstance(value, dict)]
    return [("run", loose), *blocks] if loose else blocks


def preset(info: RunInfo | None) -> str:
    """Returns the preset that the last command named, such as "configs/all_ddpm.py:cpu"; or ""."""
    return next((value for name, value in _options(info) if name == "config"), "")


def changed(contents: Contents) -> list[tuple[str, str]]:
    """Returns the fields that the last command set beside its preset, as the run has them."""
    fields = [name for name, _ in _options(contents.info) if name.startswith("config.")]
    return [
        (field, plain(contents.setting(field.removeprefix("config."), None)))
        for field in dict.fromkeys(fields)
    ]


def _options(info: RunInfo | None) -> Iterator[tuple[str, str]]:
    """The options of the last command, `--name=value` or `--name value`."""
    try:
        words = [] if info is None else shlex.split(info.command)
    except ValueError:  # a quote that does not end
        words = []
    for word, after in itertools.pairwise([*words, ""]):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            yield name, value if equals else after


def _flat(block: Document, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in block.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, plain(value)


def plain(value: object) -> str:
    """Returns parsed JSON as text."""
    if isinstance(value, dict):
        return "; ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        # From a command line several names come as one: "a,b".
        names = (name.strip() for item in value for name in plain(item).split(","))
        return ", ".join(filter(None, names)) or "none"
    return value if isinstance(value, str) and value else json.dumps(value)


def total_time(info: RunInfo | None) -> str:
    """Returns the wall time of all stages together, less the report's."""
    return duration(sum(stage.seconds for stage in _stages(info).values()))


def stage_rows(info: RunInfo | None) -> list[StageRow]:
    """Returns status, time and memory of every stage in run.json, less the report's."""
    return [_stage(*item) for item in _stages(info).items()]


def _stages(info: RunInfo | None) -> dict[str, StageRecord]:
    """The stages of run.json. A report can't tell its own time, but that of an earlier one."""
    stages = info.stages if info else {}
    return {name: stage for name, stage in stages.items() if name != "report"}


def _stage(name: str, stage: StageRecord) -> StageRow:
    memory = f"{stage.peak_memory_mib:.0f}{NBSP}MiB"
    return StageRow(name, stage.status, duration(stage.seconds), memory)


def facts(contents: Contents) -> list[tuple[str, str]]:
    """Returns what run.json says of the run (versions, devices, seeds), less its stages."""
    if contents.info is None:
        return [("data hash", contents.split.data_hash)]
    document = contents.info.to_document().items()
    return [(key.replace("_", " "), plain(v)) for key, v in document if key != "stages"]
