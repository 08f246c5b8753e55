"""Writes docs/data_dictionary.md: every field of every file of a workdir, from the typed results.

    python -m tests.data_dictionary

Meanings are those of the docstrings, so that they are written once. The test of this file fails
where the document is not what this program writes.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import pathlib
import re
import types
import typing
from collections.abc import Iterator, Mapping

from synthmed_jax.data.manifest import MANIFEST_FIELDS, ManifestRow
from synthmed_jax.report import side_by_side, training_logs
from synthmed_jax.results import (
    audit,
    cells,
    data_files,
    evaluation,
    explanations,
    external,
    fidelity,
    filtered,
    floors,
    generator,
    inventory,
    leakage,
    marker,
    membership,
    memorisation,
    over_training,
    pool,
    predictions,
    record,
    run_info,
    search,
    section,
    split,
    sweep,
    without_duplicates,
)

DOCUMENT = pathlib.Path(__file__).parents[1] / "docs" / "data_dictionary.md"

# Glob below the workdir -> what the file is, of those that are one dataclass; those of lines of
# JSON are a dataclass per line.
TYPED: dict[str, type] = {
    "run.json": run_info.RunInfo,
    "stages/*.json": marker.Marker,
    "split/split.json": split.SplitFile,
    "split/files.json": data_files.DataFiles,
    "split/inventory.json": inventory.Inventory,
    "split/leakage.json": leakage.Leakage,
    "diffusion/**/metrics.jsonl": training_logs.StepRecord,
    "diffusion/**/best.json": generator.GeneratorEnd,
    "filtered/filter.json": filtered.Filtered,
    "audit/fidelity.json": audit.AuditFidelity,
    "audit/memorisation.json": memorisation.AuditMemorisation,
    "audit/membership.json": membership.Membership,
    "audit/over_training.json": over_training.OverTraining,
    "sweep/sweep.json": sweep.SweepResult,
    "tune/**/search.json": search.SearchResult,
    "classify/*/*/*/*/metrics.jsonl": training_logs.EpochRecord,
    "classify/*/*/*/*/result.json": cells.FoldResult,
    "evaluate/metrics.json": evaluation.Evaluation,
    "evaluate/floors.json": floors.Floors,
    "evaluate/fidelity.json": fidelity.Fidelity,
    "evaluate/without_duplicates.json": without_duplicates.WithoutDuplicates,
    "evaluate/external.json": external.External,
    "explain/lime.json": explanations.LimeSummary,
    "record/record.json": record.Record,
    "pool/pool.json": pool.Pool,
    "compare/compare.json": side_by_side.SideBySide,
    "predict/predict.json": predictions.Predictions,
    "*/section*.json": section.Section,
}
# Typed files that lie in the cache, not in a workdir.
IN_CACHE = frozenset(("KeptListing", "KeptDuplicates"))
# Glob -> entry of the file that is no field of its dataclass -> meaning.
BESIDE: dict[str, dict[str, str]] = {
    "split/split.json": {
        "test": "list of SplitEntry: the held-out images, which `data/held_out.py` alone reads."
    },
    "classify/*/*/*/*/metrics.jsonl": {
        "fold_loss": "number: on what a fold leaves out of the arm's training set, nats; with "
        "cross-validation alone.",
        "fold_accuracy": "number: the same, a share.",
        "real_val_loss": "number: on the real `val` images, nats; where there are some.",
        "real_val_accuracy": "number: the same, a share.",
        "seconds": "number: that the epoch took.",
    },
}
_FILE = "path of the image, or <path>#<number> for an image of a stack"
_P = "for each class: its probability, 0 to 1"
_CELL = {
    "backbone": "the network's name",
    "arm": "what it was trained on",
    "n": "images per class; `all`: all of `fit`; `500+20`: where classes differ",
    "ratio": "synthetic to real images; `inf`: no real ones",
    "seed": "of the trainings",
    "fold": "which training of the cell, from 0",
}
_PREDICTED = _CELL | {
    "file": _FILE,
    "label": "its class",
    "predicted": "the class of the largest probability",
    "p_<class>": f"{_P}, as the network gave it",
}
# Tables: glob -> column -> meaning.
TABLES: dict[str, dict[str, str]] = {
    "synthetic/metadata.csv": {
        "file_name": "path of the image below the file's folder",
        "label": "its class",
        "index": "which image of its class, from 0",
        "seed": "of the sampling",
        "sampler": "the sampler",
        "steps": "sampling steps",
        "guidance": "weight of classifier-free guidance; 1: none",
        "checkpoint": "sha256 of the generator's weights",
        "sha256": "of the image's file",
    },
    "evaluate/predictions.csv": _PREDICTED,
    "evaluate/external_predictions.csv": _PREDICTED,
    "predict/predictions.csv": {
        "file": _FILE,
        "class": "the class of the largest probability",
        "p_<class>": f"{_P}, calibrated where there was `val` to do so",
    },
    "predict/left_out.csv": {
        "file": "path of a file that gave no image",
        "reason": "why, the same for all such files",
        "detail": "what is wrong with this one",
    },
}
# Files of another make: glob -> what is in them.
OTHERS = {
    "config.json": "The resolved config of the last command: every field of `configs/base.py`, "
    "which has their meanings and units.",
    "report/report.json": "Every number and verdict of the report: `verdicts` (each with the "
    "numbers and thresholds that it follows from), `answers` (a card per question, `D1`, `D2`, "
    "`release`, `floors` and `control`: its `findings`, each with a `verdict`, the `numbers` with "
    "interval and n and the `power`, and what `would_change` them; `missing` says what was not "
    "made), `not_to_conclude`, `answer` and `limits` (the report's sentences), "
    "`headline`, `counts`, and, as the files of the same names have them, `metrics`, `floors`, "
    "`fidelity` (with the closest pairs alone), `lime`, `split`, `diffusion`, `config` and `run`; "
    "`not_run`: the sentences that stand for missing stages; `paper`, on one of the paper's data "
    "sets, else null: by network, the accuracy that the paper prints (`paper`) and this run's "
    "(`run`), and what `differs` between them.",
    "tensorboard/**/events.out.tfevents.*": "The numbers of every training's `metrics.jsonl` "
    "again, for TensorBoard; nothing reads them, and they may be removed.",
    "features/**/*.json*": "Of the small network whose features sets of images are compared in: "
    "as a classifier's `result.json` and `metrics.jsonl`.",
}
_ENTRY = re.compile(r"^(\w+(?:, \w+)*): (.*)$")


def render() -> str:
    """Returns the document."""
    lines = [
        "# Data dictionary",
        "",
        "What each column and each field of a workdir's files means. Written by "
        "`python -m tests.data_dictionary`",
        "from the descriptions in the code, and held against them by a test.",
        "",
        "Every JSON file that a stage reads again has two more entries: `version`, where it is "
        "above 1, and `seal`, the sha256",
        'of all others. Fields at their default may be absent. An infinite number is `"inf"`. '
        "Tables are UTF-8, with commas;",
        "a text that a spreadsheet would take for a formula has an apostrophe in front. `None` is "
        "JSON's `null`.",
        "",
        "## Tables",
        "",
    ]
    for glob, columns in {"synthetic/manifest.csv": _manifest(), **TABLES}.items():
        lines += [f"### `{glob}`", "", *_table(("column", "meaning"), columns.items())]
    lines += ["## JSON files", ""]
    nested: dict[type, None] = {}
    for glob, kind in TYPED.items():
        per_line = " One object per line." if glob.endswith(".jsonl") else ""
        beside = BESIDE.get(glob, {})
        lines += [f"### `{glob}`", "", _summary(kind) + per_line, "", *_fields(kind, beside)]
        nested |= dict.fromkeys(_nested(kind))
    for glob, text in OTHERS.items():
        lines += [f"### `{glob}`", "", text, ""]
    lines += ["## Records", "", "What the files above are made of, by name.", ""]
    twice = collections.Counter(kind.__name__ for kind in nested)
    for kind in sorted(nested, key=lambda each: (each.__name__, each.__module__)):
        where = f" ({kind.__module__.rpartition('.')[2]})" if twice[kind.__name__] > 1 else ""
        lines += [f"### {kind.__name__}{where}", "", _summary(kind), "", *_fields(kind)]
    return "\n".join(lines).rstrip() + "\n"


def _manifest() -> dict[str, str]:
    told = meanings(ManifestRow)
    names = (field.name for field in dataclasses.fields(ManifestRow))
    return dict(zip(MANIFEST_FIELDS, map(told.__getitem__, names), strict=True))


def _fields(kind: type, beside: Mapping[str, str] = types.MappingProxyType({})) -> list[str]:
    told, hints = meanings(kind), typing.get_type_hints(kind)
    rows = [
        (field.name, f"{_type(hints[field.name])}: {told[field.name]}".rstrip(": "))
        for field in dataclasses.fields(kind)
    ]
    return _table(("field", "meaning"), [*rows, *beside.items()])


def _table(columns: tuple[str, str], rows: typing.Iterable[tuple[str, str]]) -> list[str]:
    return [
        f"| {' | '.join(columns)} |",
        "|---|---|",
        *(f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in rows),
        "",
    ]


def meanings(kind: type) -> dict[str, str]:
    """Returns field -> what a dataclass's docstring, or that of a base, says of it; "": nothing."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if dataclasses.is_dataclass(each):
            found |= _attributes(each.__doc__ or "")
    return {field.name: found.get(field.name, "") for field in dataclasses.fields(kind)}


def _attributes(docstring: str) -> Mapping[str, str]:
    """Reads "a, b: text" of the part `Attributes`; a text goes on in lines that are indented."""
    found: dict[str, str] = {}
    names: list[str] = []
    lines = docstring.partition("Attributes:\n")[2].splitlines()
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) < 6:
            break
        entry = _ENTRY.match(line[6:])
        if entry:
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _summary(kind: type) -> str:
    """The docstring before its attributes, in one line."""
    text = (kind.__doc__ or "").partition("Attributes:")[0]
    return " ".join(text.split())


def _type(hint: object) -> str:
    """A type as a reader of JSON knows it."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "null"
    if origin is tuple:
        return f"list of {_type(of[0])}"
    if origin is dict:
        return f"object of {_type(of[1])}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_type, of))
    if origin is typing.Literal:
        return " or ".join(f'"{value}"' for value in of)
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return " or ".join(f'"{each.value}"' for each in hint)
    if dataclasses.is_dataclass(hint):
        return typing.cast(type, hint).__name__
    return words.get(typing.cast(type, hint), "any value")


def _nested(kind: type) -> Iterator[type]:
    """The dataclasses that a dataclass is made of, at any depth."""
    for hint in typing.get_type_hints(kind).values():
        for each in _dataclasses(hint):
            yield each
            yield from _nested(each)


def _dataclasses(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    elif typing.get_origin(hint) is not typing.ClassVar:
        for each in typing.get_args(hint):
            yield from _dataclasses(each)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
    print(DOCUMENT)
