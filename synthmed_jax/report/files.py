"""Reads what the earlier stages wrote, less everything about the test part but its counts."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from synthmed_jax import field_history
from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json
from synthmed_jax.report.training_logs import EpochRecord, StepRecord, read_epochs, read_steps
from synthmed_jax.results.cells import Cell, FoldResult
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.explanations import LimeSummary
from synthmed_jax.results.external import External
from synthmed_jax.results.fidelity import Fidelity
from synthmed_jax.results.floors import Floors
from synthmed_jax.results.generator import GeneratorEnd
from synthmed_jax.results.inventory import Inventory
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.membership import Membership
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.results.split import PartCounts, SplitFile
from synthmed_jax.results.stored import Document

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Fold:
    """One training of one classifier.

    Attributes:
      epochs: of its metrics.jsonl.
      result: its result.json; None while it trains.
    """

    epochs: tuple[EpochRecord, ...]
    result: FoldResult | None


@dataclasses.dataclass(frozen=True)
class Generator:
    """One training of one diffusion model.

    Attributes:
      records: of its metrics.jsonl, one or more.
      end: its best.json; None while it trains.
    """

    records: tuple[StepRecord, ...]
    end: GeneratorEnd | None


@dataclasses.dataclass(frozen=True)
class Contents:
    """The content of a workdir that the report shows.

    Attributes:
      config: the resolved config, nested; read it by `setting`.
      info: run.json, or None.
      split: less the list of test images.
      generators: the diffusion models by class, "" where one model knows all classes; empty when
        none has been trained.
      folds: cell that was asked for -> its trainings in order; a cell without one is not there.
      evaluation, fidelity, lime: of the evaluation and the explanation, or None.
      external: what the networks score on another tree of images; None where none was named.
      floors: what simple means score; None in a workdir of a version that did not measure it.
      leakage: identical files across the parts; None in a workdir of a version that did not count.
      memorisation: the search for copies and the verdict on releases; None where the audit has not
        run, or is of a version that did not look.
      membership: the attacks that the verdict follows from as well; None likewise.
      inventory: what was found in the data set's folder; None where an earlier version split.
    """

    config: Document
    info: RunInfo | None
    split: SplitFile
    generators: dict[str, Generator]
    folds: dict[Cell, tuple[Fold, ...]]
    evaluation: Evaluation | None
    fidelity: Fidelity | None
    lime: LimeSummary | None
    external: External | None
    leakage: Leakage | None
    floors: Floors | None
    memorisation: AuditMemorisation | None
    membership: Membership | None
    inventory: Inventory | None

    @property
    def counts(self) -> dict[str, PartCounts]:
        """Class -> numbers of images, in the order of the labels."""
        return {name: self.split.counts[name] for name in self.split.class_names}

    @property
    def totals(self) -> PartCounts:
        """Numbers of images of all classes."""
        parts = zip(*map(dataclasses.astuple, self.counts.values()), strict=True)
        return PartCounts(*map(sum, parts))

    @property
    def chance(self) -> float:
        """Accuracy of guessing, share of 1."""
        return 1 / len(self.split.class_names)

    def setting(self, name: str, default: T) -> T:
        """Returns a config field by its dotted name, or the default where the config has none."""
        value = self.config
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value  # type: ignore[return-value]  # the config's own type, which the caller knows

    def without(self, stages: Collection[str]) -> Contents:
        """Returns the contents as if some of the stages that measure had left nothing.

        Args:
          stages: folders of them: audit, evaluate, explain, or filtered, of which nothing is kept.
        """
        gone = {
            "audit": ("memorisation", "membership"),
            "evaluate": ("evaluation", "external", "fidelity", "floors"),
            "explain": ("lime",),
            "filtered": (),
        }
        none: dict[str, Any] = {field: None for stage in stages for field in gone[stage]}
        return dataclasses.replace(self, **none)

    def folds_of(self, cell: Cell) -> tuple[Fold, ...]:
        """Returns the trainings of a cell; none where it was not asked for."""
        return self.folds.get(cell.cell, ())


def read_contents(workdir: pathlib.Path, cells: Sequence[Cell]) -> Contents:
    """Reads the workdir's files; those of stages that have not run become None.

    Args:
      cells: whose trainings are read, in this order: those that the run asks for, since those of
        earlier runs may lie beside them.

    Raises:
      UserError: config.json or split/split.json is missing, or a file is damaged.
    """
    for name, stage in (("config.json", "any stage"), ("split/split.json", "--stages=split")):
        if not (workdir / name).exists():
            raise UserError(f"{workdir / name} is missing: run {stage} first, then the report.")
    config = _as_made(workdir)
    name = "training" if config["classifier"].get("seeds", 0) else "fold"
    folds = {cell: _read_folds(workdir / "classify" / cell.path, name) for cell in cells}
    return Contents(
        config=config,
        info=RunInfo.read_if_there(workdir / "run.json"),
        split=SplitFile.read(workdir / "split" / "split.json"),
        generators=_read_generators(workdir / "diffusion"),
        folds={cell: of_cell for cell, of_cell in folds.items() if of_cell},
        evaluation=Evaluation.read_if_there(workdir / "evaluate" / "metrics.json"),
        fidelity=Fidelity.read_if_there(workdir / "evaluate" / "fidelity.json"),
        lime=LimeSummary.read_if_there(workdir / "explain" / "lime.json"),
        external=External.read_if_there(workdir / "evaluate" / "external.json"),
        leakage=Leakage.read_if_there(workdir / "split" / "leakage.json"),
        floors=Floors.read_if_there(workdir / "evaluate" / "floors.json"),
        memorisation=AuditMemorisation.read_if_there(workdir / "audit" / "memorisation.json"),
        membership=Membership.read_if_there(workdir / "audit" / "membership.json"),
        inventory=Inventory.read_if_there(workdir / "split" / "inventory.json"),
    )


def _as_made(workdir: pathlib.Path) -> Document:
    """Returns the config with which the stages made what lies there.

    config.json is of the last command, which may have run but one stage, with other fields.
    """
    config = read_json(workdir / "config.json")
    for stage in ("split", "diffusion", "generate", "classify", "evaluate", "explain"):
        marker = Marker.read_if_there(workdir / "stages" / f"{stage}.json")
        fields = {} if marker is None else field_history.with_new_names(marker.fields)
        for name, value in fields.items():
            block = config
            *outer, last = name.split(".")
            for key in outer:
                block = block.setdefault(key, {})
            block[last] = value
    return config


def _read_generators(diffusion: pathlib.Path) -> dict[str, Generator]:
    generators = {}
    for pattern in ("metrics.jsonl", "*/metrics.jsonl"):
        for path in sorted(diffusion.glob(pattern)):
            records = read_steps(path)
            if records:
                folder = path.parent.relative_to(diffusion).as_posix()
                end = GeneratorEnd.read_if_there(path.with_name("best.json"))
                generators["" if folder == "." else folder] = Generator(records, end)
    return generators


def _read_folds(folder: pathlib.Path, name: str) -> tuple[Fold, ...]:
    """The trainings of a cell; name: of their folders, less the number."""
    logs = sorted(folder.glob(f"{name}*/metrics.jsonl"), key=_number)
    return tuple(
        Fold(read_epochs(log), FoldResult.read_if_there(log.with_name("result.json")))
        for log in logs
    )


def _number(log: pathlib.Path) -> int:
    # fold10 comes after fold9.
    return int(re.sub(r"\D", "", log.parent.name))
