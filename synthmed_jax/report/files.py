"""Reads what the earlier stages wrote, less everything about the test part but its counts."""

import dataclasses
import pathlib
from typing import Any

from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json
from synthmed_jax.metrics_log import read_metrics


@dataclasses.dataclass(frozen=True)
class Fold:
    """One training of one classifier: its metrics.jsonl and result.json."""

    epochs: list[dict[str, Any]]
    result: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Generator:
    """One training of one diffusion model.

    Attributes:
      records: of its metrics.jsonl.
      best: its best.json, or None while it trains.
    """

    records: list[dict[str, Any]]
    best: dict[str, Any] | None


@dataclasses.dataclass(frozen=True)
class Run:
    """The content of a workdir that the report shows.

    Attributes:
      config: the resolved config, nested.
      info: run.json; empty when missing.
      counts: class -> {"total", "fit", "val", "test"}: numbers of images, nothing else.
      split: the other facts of the split ("rule", "seed", "data_hash", "unreadable").
      diffusion: the diffusion models' trainings by class, "" where one model knows all; empty when
        none has run.
      folds: "<backbone>/<arm>/<cell>" -> its folds in order; None when none was trained.
      metrics, fidelity, lime: JSON of the evaluation and explanation, or None.
    """

    config: dict[str, Any]
    info: dict[str, Any]
    counts: dict[str, dict[str, int]]
    split: dict[str, Any]
    diffusion: dict[str, Generator]
    folds: dict[str, list[Fold]] | None
    metrics: dict[str, Any] | None
    fidelity: dict[str, Any] | None
    lime: dict[str, Any] | None

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.counts)

    def total(self, part: str) -> int:
        """Returns the number of images of a part ("total", "fit", "val" or "test")."""
        return sum(count[part] for count in self.counts.values())

    def setting(self, name: str, default: Any = None) -> Any:
        """Returns a config field by its dotted name, or the default when the config has none."""
        value: Any = self.config
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value

    def folds_of(self, cell: dict[str, Any]) -> list[Fold]:
        """Returns the trainings of one cell of evaluate/metrics.json."""
        return (self.folds or {}).get(cell_path(cell), [])


def cell_path(cell: dict[str, Any]) -> str:
    """Returns a cell's folder below classify/."""
    return f"{cell['backbone']}/{cell['arm']}/{cell['n']}-{cell['ratio']}-s{cell['seed']}"


def read_run(workdir: pathlib.Path) -> Run:
    """Reads the workdir's files; those of stages that have not run become None.

    Raises:
      UserError: config.json or split/split.json is missing.
    """
    for name, stage in (("config.json", "any stage"), ("split/split.json", "--stages=split")):
        if not (workdir / name).exists():
            raise UserError(f"{workdir / name} is missing: run {stage} first, then the report.")
    # The lists of files stay here: the report needs the counts, and must not know the test part.
    split = read_json(workdir / "split" / "split.json")
    return Run(
        config=read_json(workdir / "config.json"),
        info=_read_optional(workdir / "run.json") or {},
        counts={name: split["counts"][name] for name in split["class_names"]},
        split={key: split[key] for key in ("rule", "seed", "data_hash", "unreadable")},
        diffusion=_read_generators(workdir / "diffusion"),
        folds=_read_folds(workdir / "classify") or None,
        metrics=_read_metrics(workdir / "evaluate" / "metrics.json"),
        fidelity=_read_optional(workdir / "evaluate" / "fidelity.json"),
        lime=_read_optional(workdir / "explain" / "lime.json"),
    )


def _read_optional(path: pathlib.Path) -> dict[str, Any] | None:
    return read_json(path) if path.exists() else None


def _read_metrics(path: pathlib.Path) -> dict[str, Any] | None:
    """The evaluation, with n and ratio as the texts that folders and sentences have."""
    metrics = _read_optional(path)
    if metrics is None or "version" not in metrics:
        return metrics
    for cell in [*metrics["cells"], metrics["best"]]:
        cell["n"] = "all" if cell["n"] is None else str(cell["n"])
        cell["ratio"] = f"{float(cell['ratio']):g}"
    return metrics


def _read_generators(diffusion: pathlib.Path) -> dict[str, Generator]:
    generators = {}
    for pattern in ("metrics.jsonl", "*/metrics.jsonl"):
        for path in sorted(diffusion.glob(pattern)):
            records = read_metrics(path)
            best = _read_optional(path.with_name("best.json"))
            if records:
                folder = path.parent.relative_to(diffusion).as_posix()
                generators["" if folder == "." else folder] = Generator(records, best)
    return generators


def _read_folds(classify: pathlib.Path) -> dict[str, list[Fold]]:
    folds: dict[str, list[Fold]] = {}
    paths = classify.glob("*/*/*/fold*/metrics.jsonl")
    for path in sorted(paths, key=lambda path: (path.parts[:-2], _fold_number(path))):
        result = _read_optional(path.with_name("result.json")) or {}
        cell = path.parent.parent.relative_to(classify).as_posix()
        folds.setdefault(cell, []).append(Fold(read_metrics(path), result))
    return folds


def _fold_number(path: pathlib.Path) -> int:
    # fold10 comes after fold9.
    return int(path.parent.name.removeprefix("fold"))
