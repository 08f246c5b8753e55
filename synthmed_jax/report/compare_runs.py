"""Reads finished workdirs that are to be set side by side: nothing in them is computed anew."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from synthmed_jax import field_history
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.evaluation import records, replicates
from synthmed_jax.evaluation.predictions import read_answers
from synthmed_jax.files import read_json
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.context import name_of_dataset
from synthmed_jax.report.files import Contents, read_contents
from synthmed_jax.report.findings import best_of_each_arm
from synthmed_jax.report.side_by_side import ArmScore, ComparedRun, DifferingField, SideBySide
from synthmed_jax.results.audit import AuditFidelity
from synthmed_jax.results.evaluation import CellScores, Evaluation
from synthmed_jax.results.marker import PER_CLASS, Marker
from synthmed_jax.results.stored import Document
from synthmed_jax.workdir import Workdir

FIELD = "config.compare.workdirs"
# What is not of the run itself: which runs were put beside others, and where a copy of the prepared
# images lies.
_NOT_OF_THE_RUN = ("pool.", "compare.", "data.cache_dir")


def read_side_by_side(folders: Sequence[pathlib.Path]) -> SideBySide:
    """Reads the workdirs.

    Raises:
      UserError: fewer than two, one of them twice, or one that is not finished or is of a version
        that this one can't read.
      Damaged: a file is gone, or is not what was written.
    """
    check_folders(folders)
    return _read(folders, short_names(folders))


def check_folders(folders: Sequence[pathlib.Path]) -> None:
    """Refuses what can't be set side by side.

    Raises:
      UserError: naming the folder, and the stage that lacks.
    """
    if len(folders) < 2:
        given = ",".join(map(str, folders))
        raise UserError(
            f"{FIELD}={given!r} must name two finished workdirs or more: "
            f"--{FIELD}=/runs/cpu,/runs/paper"
        )
    known: dict[pathlib.Path, pathlib.Path] = {}
    for folder in folders:
        other = known.setdefault(folder.resolve(), folder)
        if other is not folder:
            raise UserError(
                f"{FIELD} names one workdir twice, as {other} and as {folder}: leave one out"
            )
        config = Workdir(folder).config
        if folder.is_dir() and not config.is_file():
            raise UserError(f"{FIELD}: {folder} is no workdir of a run: it has no {config.name}")
        replicates.check_finished(folder, FIELD)


def short_names(folders: Sequence[pathlib.Path]) -> tuple[str, ...]:
    """Returns the last parts of each path, as many as it takes to tell all of them apart."""
    paths = [folder.absolute().parts for folder in folders]
    for count in range(1, max(map(len, paths))):
        names = tuple(str(pathlib.Path(*parts[-count:])) for parts in paths)
        if len(set(names)) == len(names):
            return names
    return tuple(map(str, folders))


def differing_fields(
    of_runs: Mapping[str, Mapping[str, object]],
) -> tuple[DifferingField, ...]:
    """Returns the fields in which runs differ.

    Args:
      of_runs: name of a run -> config field -> value. A field that a version did not have yet has
        the value that does what that version did, where there is one.
    """
    found = []
    for field in sorted({field for fields in of_runs.values() for field in fields}):
        values = {
            name: fields.get(field, field_history.ADDED.get(field))
            for name, fields in of_runs.items()
            if field in fields or field in field_history.ADDED
        }
        first = next(iter(values.values()))
        if len(values) < len(of_runs) or any(value != first for value in values.values()):
            found.append(DifferingField(field, values))
    return tuple(found)


def _read(folders: Sequence[pathlib.Path], names: Sequence[str]) -> SideBySide:
    runs, configs, results = [], {}, {}
    for name, folder in zip(names, folders, strict=True):
        contents = _read_contents(folder)
        runs.append(_run(folder, name, contents))
        fields = field_history.with_new_names(dict(_flat(contents.config)))
        configs[name] = {
            field: value for field, value in fields.items() if not field.startswith(_NOT_OF_THE_RUN)
        }
        results[name] = records.result_fields(Workdir(folder))
    hashes = {run.test_hash for run in runs}
    same_data = len({(run.data_hash, tuple(run.counts)) for run in runs}) == 1
    differing = {each.name for each in differing_fields(results)}
    return SideBySide(
        runs=tuple(runs),
        fields=differing_fields(configs),
        same_data=same_data,
        same_test=None if None in hashes else len(hashes) == 1,
        seeds_alone=same_data and differing == {records.SEED},
    )


def _read_contents(folder: pathlib.Path) -> Contents:
    workdir = Workdir(folder)
    for path in (workdir.split, workdir.evaluation):
        if not path.exists():
            raise Damaged(path, "is gone: give the command of that run again, which makes it anew")
    try:
        read_json(workdir.config)
    except ValueError as error:
        raise Damaged(
            workdir.config,
            f"is damaged ({error}): give the command of that run again, which writes it",
        ) from error
    evaluation = Evaluation.read(workdir.evaluation)
    return read_contents(folder, [cell.cell for cell in evaluation.cells])


def _is_audited(workdir: Workdir) -> bool:
    """Whether the audit is of as many synthetic images as the evaluation."""
    markers = [Marker.read_if_there(workdir.marker(stage)) for stage in ("audit", "evaluate")]
    numbers = [
        {unit for unit in marker.units if unit.endswith(PER_CLASS)}
        for marker in markers
        if marker is not None
    ]
    return all(number == numbers[0] for number in numbers)


def _run(folder: pathlib.Path, name: str, contents: Contents) -> ComparedRun:
    workdir, evaluation = Workdir(folder), contents.evaluation
    assert evaluation is not None  # _read_contents has read it
    audit = AuditFidelity.read_if_there(workdir.audit_fidelity)
    if not _is_audited(workdir):
        contents, audit = contents.without(("audit",)), None
    answer = make_answer(contents, conclude(contents))
    return ComparedRun(
        name=name,
        workdir=str(folder),
        dataset=name_of_dataset(contents),
        scale=contents.setting("scale", ""),
        seed=contents.setting("seed", 0),
        data_hash=contents.split.data_hash,
        test_hash=_test_hash(workdir, contents.split.data_hash),
        num_test=evaluation.num_test,
        counts=contents.counts,
        answers={card.name: card for card in answer.cards},
        arms=tuple(_arm(cell) for cell in best_of_each_arm(evaluation).values()),
        floors=() if contents.floors is None else contents.floors.floors,
        nearness=None if contents.fidelity is None else contents.fidelity.ratio,
        fidelity=()
        if audit is None
        else tuple(each for each in audit.comparisons if not each.class_name),
        info=contents.info,
    )


def _arm(cell: CellScores) -> ArmScore:
    of = cell.cell
    return ArmScore(
        of.backbone,
        of.arm,
        of.n,
        of.ratio,
        of.seed,
        trainings=len(cell.folds),
        accuracy=cell.mean.test_accuracy,
        interval=cell.accuracy_interval,
        balanced_accuracy=cell.mean.balanced_accuracy,
    )


def _test_hash(workdir: Workdir, data_hash: str) -> str | None:
    """sha256 over what is tested: a file's name means an image only with the data's content."""
    predictions = workdir.evaluate / "predictions.csv"
    if not predictions.exists():
        return None
    answers = read_answers(predictions)
    tested = sorted(zip(answers.files, answers.classes, strict=True))
    return hashlib.sha256(json.dumps([data_hash, tested]).encode()).hexdigest()


def _flat(block: Document, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in block.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
