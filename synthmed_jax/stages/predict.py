"""The stage that labels new images, of no known class, with the best network of one arm."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence

from synthmed_jax import checks
from synthmed_jax.csv_text import write_csv
from synthmed_jax.data import unlabelled
from synthmed_jax.data.counted import counted
from synthmed_jax.data.formats.opened import EIGHT_BITS
from synthmed_jax.data.sets.exclude import hits
from synthmed_jax.data.sets.flags import some
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.unlabelled import Unlabelled
from synthmed_jax.errors import UserError
from synthmed_jax.explain import pictures
from synthmed_jax.figure_png import to_png
from synthmed_jax.files import sha256, sha256_of, write_bytes
from synthmed_jax.legible import chart_names
from synthmed_jax.progress import progress_over
from synthmed_jax.results.inventory import ClassInventory, Inventory
from synthmed_jax.results.predictions import Predictions
from synthmed_jax.stages import evaluate, networks, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.networks import TrainedNetwork
from synthmed_jax.stages.run import Run
from synthmed_jax.verdicts import FEW_IMAGES

DIR, EXPLAIN = "config.predict.dir", "config.predict.explain"
_PART = 1024  # files that are in memory at a time, as images


def _run(run: Run) -> None:
    settings, names, folder = run.settings.predict, run.inputs.class_names, run.workdir.predict
    shutil.rmtree(folder, ignore_errors=True)  # of other images, or of a run that was stopped
    network = networks.best_network(run, settings.arm)
    listed, left_out = unlabelled.list_files(settings.folder)
    own = run.inputs.data.grey_scales
    rows: list[list[object]] = [["file", "class", *(f"p_{name}" for name in names)]]
    explanations: dict[str, str] = {}
    counts, num_eight_bit = dict.fromkeys(names, 0), 0
    parts = list(unlabelled.in_parts(listed, _PART))
    for part in progress_over(parts, description="predict", unit="part"):
        read = unlabelled.read_files(settings.folder, part, run.settings.data, own)
        left_out += read.left_out
        num_eight_bit += read.num_eight_bit
        answers = network.probabilities(read.images)
        for file, answer in zip(read.files, answers, strict=True):
            answered = names[int(answer.argmax())]
            counts[answered] += 1
            rows.append([file, answered, *(f"{p:.6g}" for p in answer)])
        if settings.explained:
            explanations |= _explain(run, network, read, len(explanations))
    write_csv(folder / "predictions.csv", rows)
    _write_left_out(run, left_out)
    found = Predictions(
        network=network.network,
        temperature=network.temperature,
        num_val=len(run.inputs.parts.val),
        counts=counts,
        left_out=len(left_out),
        note=_note(run, num_eight_bit),
        explanations=explanations,
    )
    found.write(folder / "predict.json")
    print(_in_words(run, network, found), flush=True)


def _write_left_out(run: Run, left_out: Sequence[LeftOut]) -> None:
    rows = sorted([each.file, each.reason, each.detail] for each in left_out)
    write_csv(run.workdir.predict / "left_out.csv", [["file", "reason", "detail"], *rows])


def _explain(run: Run, network: TrainedNetwork, read: Unlabelled, drawn: int) -> dict[str, str]:
    """Draws a picture of each wanted image's explanation; returns image -> path of the picture.

    Args:
      drawn: pictures that are there.
    """
    wanted = _wanted(read.files, run.settings.predict.explained)
    chosen = [i for i, file in enumerate(read.files) if file in wanted]
    names = chart_names(run.inputs.class_names)
    paths: dict[str, str] = {}
    for i in progress_over(chosen, description="explain", unit="image"):
        (explanation,) = network.explain(read.images[i : i + 1])
        # Numbered: a file's name may be that of files in several folders.
        path = run.workdir.predict / "lime" / f"{drawn + len(paths):05d}.png"
        answer = f"{names.labels[explanation.label]}, R² {explanation.r2[explanation.label]:.2f}"
        entry = pictures.Entry(explanation, answer)
        with names.fonts():
            page = pictures.draw_page(_heading(read.files[i], path.name), [[entry]], ["predicted"])
            write_bytes(path, to_png(page))
        paths[read.files[i]] = path.relative_to(run.workdir.root).as_posix()
    return paths


def _heading(file: str, picture: str) -> str:
    """The file's name, where the fonts of charts have its letters; predict.json names it anyway."""
    return file if file.isascii() and file.isprintable() else picture


def _wanted(files: Sequence[str], globs: Sequence[str]) -> frozenset[str]:
    return frozenset[str]().union(*(hits(files, glob) for glob in globs))


def _note(run: Run, num_eight_bit: int) -> str:
    own = run.inputs.data.grey_scales
    if not own or run.settings.data.window or not num_eight_bit:
        return ""
    found = Inventory.read_if_there(run.workdir.inventory)
    return note(num_eight_bit, [each.kind for each in own], () if found is None else found.classes)


def note(num_eight_bit: int, scaled: Sequence[str], classes: Sequence[ClassInventory]) -> str:
    """Returns what a reader must know of new files of 8 bits; "" where the run has such files too.

    Args:
      num_eight_bit: number of new files of 8 bits, 1 or more.
      scaled: kinds of the run's own files whose black and white had to be found.
      classes: what was found of the run's own files, where that is known.
    """
    if any(name.endswith(f" {EIGHT_BITS.name}") for each in classes for name in each.formats):
        return ""
    kinds = ", ".join(scaled)
    return (
        f"{num_eight_bit} of the new files are 8-bit, those of the run's own set are not ({kinds}):"
        " whether black and white are the same values in both is not known."
    )


def _in_words(run: Run, network: TrainedNetwork, found: Predictions) -> str:
    calibrated = (
        f"not calibrated: the {found.num_val} val images do not determine a temperature"
        if found.num_val
        else "not calibrated, as there are no val images"
    )
    if found.temperature is not None:
        calibrated = (
            f"calibrated by the temperature {found.temperature:.3g}, fitted on {found.num_val} val "
            "images"
        )
    of_classes = ", ".join(f"{name} {count}" for name, count in found.counts.items())
    images = counted(sum(found.counts.values()), "image")
    lines = [
        f"predict: {images} labelled by {network.name} ({of_classes}); "
        f"probabilities are {calibrated}",
        f"predict: {(run.workdir.predict / 'predictions.csv').absolute()}",
    ]
    if found.left_out:
        lines.insert(
            1,
            f"predict: {found.left_out} files gave no image, each named with its reason in "
            f"{run.workdir.predict / 'left_out.csv'}",
        )
    if found.temperature is not None and found.num_val < FEW_IMAGES.value:
        lines.append(
            f"note: a temperature from fewer than {FEW_IMAGES.value:g} images is a rough one"
        )
    return "\n".join([*lines, *([f"note: {found.note}"] if found.note else [])])


def _check(run: Run) -> None:
    """Refuses a folder without images, or that the run writes into, and globs that match none."""
    settings = run.settings.predict
    if not settings.dir:
        raise UserError(f"--stages=predict labels new images: name their folder, --{DIR}=<folder>")
    checks.one_of("config.predict.arm", settings.arm, run.settings.classifier.arms)
    files, left_out = unlabelled.list_files(settings.folder)
    if not files:
        reasons = some(dict.fromkeys(each.reason for each in left_out)) if left_out else "no file"
        raise UserError(f"{DIR}={settings.dir!r} holds no image ({reasons})")
    root = os.path.realpath(settings.folder)
    if os.path.commonpath([root, os.path.realpath(run.workdir.root)]) == root:
        raise UserError(
            f"{run.workdir.root} lies in {DIR}={settings.dir!r}, and what is written there would "
            "be labelled too: name a folder that does not hold the workdir"
        )
    for glob in settings.explained:
        if not hits(files, glob):
            raise UserError(
                f"--{EXPLAIN}={glob!r} matches no image: it is compared with paths and with names, "
                f"case counts; there are {some(files)}"
            )


def _labelled(run: Run) -> tuple[str, ...]:
    """The answers are made anew for other images, another network or other pictures."""
    settings = run.settings.predict
    listed, left_out = unlabelled.list_files(settings.folder)
    digests = [[file, _digest(run, file)] for file in listed]
    others = [[each.file, each.reason] for each in left_out]
    is_there = evaluate.is_evaluated(run, settings.arm)
    network = networks.best_network(run, settings.arm).name if is_there else "not evaluated"
    explained = [settings.explained, sorted(_explain_fields(run))] if settings.explained else []
    return (sha256(json.dumps([digests, others, network, explained]).encode()),)


def _digest(run: Run, file: str) -> str:
    try:
        return sha256_of(run.settings.predict.folder / file)
    except OSError as error:  # it will be listed as unreadable
        return error.strerror or str(error)


def _explain_fields(run: Run) -> list[tuple[str, str]]:
    fields = run.settings.fields
    return [(name, str(value)) for name, value in fields.items() if name.startswith("explain.")]


STAGE = Stage(
    "predict",
    _run,
    inputs=(split.STAGE, evaluate.STAGE),
    units=_labelled,
    check=_check,
    optional=True,
    inherited=False,
)
