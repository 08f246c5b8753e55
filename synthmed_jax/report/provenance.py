"""How a run was made: its choices, settings, stages and machine, as texts for tables."""

import json
import re
from collections.abc import Iterator
from typing import Any

from synthmed_jax.report import wording
from synthmed_jax.report.files import Run

FIELD = re.compile(r"\{([a-z_.]+)\}")

# The choices that a reader asks for first, in words; a row with a field that the config lacks is
# left out.
PROTOCOL = (
    ("scale", "{scale}"),
    ("protocol", "{protocol}"),
    (
        "images",
        "{data.image_size} pixels a side, {data.channels} channel(s), made square: {data.fit}",
    ),
    ("split", "{split.fraction} of each class for fit + val, groups: {split.group_by}"),
    ("explicit counts", "{split.counts}"),
    (
        "generator",
        "diffusion, conditioning: {diffusion.conditioning}; {diffusion.schedule} schedule, "
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
        "{generate.per_class} images a class",
    ),
    (
        "classifiers",
        "{classifier.backbones} on images of {classifier.image_size} pixels a side; a stem for "
        "small images: {classifier.small_images}; computed in {classifier.dtype}; arms: "
        "{classifier.arms}",
    ),
    ("their first weights", "{classifier.weights}"),
    (
        "their training",
        "AdamW, {classifier.folds}-fold cross-validation, batches of {classifier.batch_size}, "
        "learning rate {classifier.learning_rate} ({classifier.schedule} after one epoch of "
        "warm-up), label smoothing {classifier.label_smoothing}, at most "
        "{classifier.max_epochs} epochs (of as many passes as make them {classifier.min_steps} "
        "steps), stopped after {classifier.patience} epochs without a lower validation loss; "
        "validation: {classifier.selection}; augmentation: flips {classifier.flips}, shift "
        "{classifier.shift} pixels",
    ),
    ("explanations", "LIME, {explain.num_samples} perturbed images each"),
)


def protocol(run: Run) -> list[tuple[str, str]]:
    """Returns the choices that a reader asks for first, as far as the config has them."""
    rows = []
    for name, text in PROTOCOL:
        values = {field: run.setting(field) for field in FIELD.findall(text)}
        # "" is how the config says that a choice was not made.
        if all(value not in (None, "") for value in values.values()):
            for field, value in values.items():
                text = text.replace("{" + field + "}", _plain(value))
            rows.append((name, text))
    return [*rows, *_starts(run)]


def _starts(run: Run) -> list[tuple[str, str]]:
    """A row for each file that classifiers started from, and for an input that it wants."""
    rows = {}
    for cell, folds in (run.folds or {}).items():
        for initial in (fold.result.get("initial", {}) for fold in folds):
            if "sha256" in initial:
                text = "{weights}, sha256 {sha256}; last layer: {head}".format(**initial)
                rows[f"first weights of {cell.partition('/')[0]}"] = text
            if "transform_input" in initial:
                rows[f"images of {cell.partition('/')[0]}"] = (
                    "to mean 0.5 and deviation 0.5, as torchvision's weights of it want them "
                    "(transform_input)"
                )
    return list(rows.items())


def settings(config: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns every field of the config as text, by section; loose fields come first."""
    loose = [(key, _plain(value)) for key, value in config.items() if not isinstance(value, dict)]
    blocks = [(key, list(_flat(value))) for key, value in config.items() if isinstance(value, dict)]
    return [("run", loose), *blocks] if loose else blocks


def _flat(block: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in block.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        # From a command line several names come as one: "a,b".
        names = (name.strip() for item in value for name in _plain(item).split(","))
        return ", ".join(filter(None, names))
    return value if isinstance(value, str) and value else json.dumps(value)


def _stages(run: Run) -> dict[str, dict[str, Any]]:
    return run.info.get("stages", {})


def total_time(run: Run) -> str:
    """Returns the wall time of all stages together, as text."""
    return wording.duration(sum(stage.get("seconds") or 0 for stage in _stages(run).values()))


def stage_rows(run: Run) -> list[dict[str, str]]:
    """Returns status, time and memory of every stage in run.json, as texts."""
    rows = []
    for name, stage in _stages(run).items():
        memory = stage.get("peak_memory_mib")
        rows.append(
            {
                "name": name,
                "status": str(stage.get("status", "")),
                "time": wording.duration(stage.get("seconds")),
                "memory": f"{memory:.0f}{wording.NBSP}MiB" if memory else "\N{EN DASH}",
            }
        )
    return rows


def facts(run: Run) -> list[tuple[str, str]]:
    """Returns what run.json says of the run (versions, devices, seeds), less its stages."""
    shown = [(key.replace("_", " "), _plain(v)) for key, v in run.info.items() if key != "stages"]
    if "data" not in run.info:
        shown.append(("data hash", str(run.split["data_hash"])))
    return shown
