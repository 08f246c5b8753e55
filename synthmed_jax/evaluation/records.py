"""Records of finished runs: made of a workdir, and read."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from synthmed_jax import field_history
from synthmed_jax.errors import Damaged
from synthmed_jax.evaluation.predictions import Answers, Hits, read_answers
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.record import Made, Record, from_characters, to_characters
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.results.split import SplitFile
from synthmed_jax.results.stored import Document, read_document
from synthmed_jax.workdir import Workdir

# The stages that a result follows from, in their order.
CHAIN = ("split", "diffusion", "generate", "classify", "evaluate")
SEED = "seed"
# Paths below a workdir.
METRICS, PREDICTIONS = "evaluate/metrics.json", "evaluate/predictions.csv"
LIME, FILTER = "explain/lime.json", "filtered/filter.json"
# What a record keeps, where it is there; METRICS always is.
DOCUMENTS = (
    METRICS,
    *(f"evaluate/{name}.json" for name in ("floors", "without_duplicates", "fidelity", "external")),
    *(f"audit/{name}.json" for name in ("fidelity", "memorisation", "membership", "over_training")),
    *("split/leakage.json", FILTER, LIME),
)


def result_fields(workdir: Workdir) -> dict[str, object]:
    """Returns the config fields that a finished workdir's results depend on, with their values."""
    fields: dict[str, object] = {SEED: 0}
    for stage in CHAIN:
        fields |= field_history.with_new_names(Marker.read(workdir.marker(stage)).fields)
    return fields


def read_record(
    root: pathlib.Path, groups: np.ndarray | None, documents: Iterable[str] = (METRICS,)
) -> Record:
    """Reads what a finished workdir says.

    Args:
      groups: i64[N] of its test images in the order of split.json, or None.
      documents: paths below it of the JSON files to keep; those that are not there are left out.

    Raises:
      Damaged, FileNotFoundError: a file is gone, or not what was written.
    """
    workdir = Workdir(root)
    split = SplitFile.read(workdir.split)
    path = root / PREDICTIONS
    answers = read_answers(path)
    if groups is not None and len(groups) != len(answers.files):
        raise Damaged(path, f"has other test images than {workdir.split}")
    code = {name: label for label, name in enumerate(split.class_names)}
    named = {*answers.classes, *(name for each in answers.of_networks.values() for name in each)}
    if not named <= set(code):
        raise Damaged(path, f"has other classes than {workdir.split}")
    return Record(
        fields=result_fields(workdir),
        inputs=_inputs(workdir) | {"split: data_hash": split.data_hash},
        trainings=Marker.read(workdir.marker("classify")).units,
        class_names=split.class_names,
        files=answers.files,
        labels=to_characters([code[name] for name in answers.classes]),
        groups=() if groups is None else tuple(map(int, groups)),
        answers={
            f"{cell}/{number}": to_characters([code[name] for name in called])
            for (cell, number), called in answers.of_networks.items()
        },
        documents={name: _kept(root, name) for name in documents if (root / name).exists()},
        made=_made(RunInfo.read_if_there(workdir.run_info)),
    )


def _kept(root: pathlib.Path, name: str) -> Document:
    """Content of a JSON file; of LIME's less what is of single images, nine tenths of it."""
    if name != LIME:
        return read_document(root / name)
    return dataclasses.replace(LimeSummary.read(root / name), images=(), pages=()).to_document()


def _inputs(workdir: Workdir) -> dict[str, str]:
    inputs: dict[str, str] = {}
    for stage in CHAIN:
        marker = Marker.read(workdir.marker(stage))
        inputs |= {
            f"{stage}: {name}": digest
            for name, digest in marker.inputs.items()
            if name not in CHAIN  # which differ by the seed
        }
        if stage == "generate":
            inputs["generate: images"] = ", ".join(marker.units)
    return inputs


def _made(info: RunInfo | None) -> Made | None:
    if info is None:
        return None
    seconds = {stage: each.seconds for stage, each in info.stages.items()}
    commits = {stage: each.commits for stage, each in info.stages.items() if each.commits}
    return Made(info.commit, info.cpu, info.devices, seconds, commits)


def hits_of(record: Record) -> Hits:
    """Returns which test images a run's networks are right on."""
    names = record.class_names
    networks = {}
    for network, text in record.answers.items():
        cell, number = network.rsplit("/", 1)
        networks[cell, int(number)] = tuple(names[label] for label in from_characters(text))
    classes = tuple(names[label] for label in from_characters(record.labels))
    return Answers(record.files, classes, networks).hits
