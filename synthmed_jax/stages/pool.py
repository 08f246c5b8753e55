"""The stage that puts finished runs under several master seeds together; it reads no images.

A run is given as its workdir, or as the file that the stage `record` has written of it.
"""

from __future__ import annotations

import functools
import pathlib

from synthmed_jax.data import held_out
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.evaluation import pool, records, replicates
from synthmed_jax.evaluation.replicates import Replicate
from synthmed_jax.files import write_bytes
from synthmed_jax.report import drawing, forest, pool_text, section_page
from synthmed_jax.results.record import Record
from synthmed_jax.results.section import FILE
from synthmed_jax.stages import other_runs
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run
from synthmed_jax.workdir import Workdir


def _read(run: Run) -> tuple[Replicate, ...]:
    """The workdirs, each finished and all comparable."""
    paths = run.settings.pool.folders
    if len(paths) < 2:
        raise UserError(
            f"config.pool.workdirs={run.settings.pool.workdirs!r} must name two finished workdirs "
            "or more: --config.pool.workdirs=/runs/s0,/runs/s1,/runs/s2"
        )
    for path in paths:
        if not path.is_file():
            replicates.check_finished(path)
    return _read_finished(paths, _unit(run))


@functools.lru_cache(maxsize=1)  # They are read to be checked, and then put together.
def _read_finished(paths: tuple[pathlib.Path, ...], unit: tuple[str, ...]) -> tuple[Replicate, ...]:
    """Reads workdirs and records; `unit` is another one where one of their files is."""
    try:
        found = [replicates.replicate_of(path, _record_of(path)) for path in paths]
    except FileNotFoundError as error:
        raise Damaged(
            pathlib.Path(error.filename),
            "is gone: give the command of that run again, which makes it anew",
        ) from error
    replicates.check_declared(found)
    replicates.check_comparable(found)
    return tuple(found)


def _record_of(path: pathlib.Path) -> Record:
    if path.is_file():
        return Record.read(path)
    return records.read_record(path, held_out.read_test_groups(Workdir(path).split))


def _check(run: Run) -> None:
    _read(run)


def _run(run: Run) -> None:
    folder = run.workdir.pool
    pooled = pool.pool_replicates(_read(run), run.settings.pool.development)
    pooled.write(folder / "pool.json")
    headings = [pool_text.heading(pooled, each) for each in pooled.differences]
    figure = forest.forest(pooled.differences, headings)
    write_bytes(folder / pool_text.FOREST, drawing.to_png(figure))
    if pooled.is_curve:
        curve = forest.score_curve(pooled.curve)
        write_bytes(folder / pool_text.CURVE, drawing.to_png(curve))
    pool_text.to_section(pooled).write(folder / FILE)
    print(*pool_text.paragraphs(pooled), sep="\n", flush=True)
    print(f"pool: {section_page.write_section_page(folder).absolute()}", flush=True)


def _files(workdir: Workdir) -> tuple[pathlib.Path, ...]:
    """What is put together comes from these."""
    if workdir.root.is_file():
        return (workdir.root,)
    return workdir.split, workdir.evaluation, workdir.evaluate / "predictions.csv"


def _unit(run: Run) -> tuple[str, ...]:
    return other_runs.unit(run.settings.pool, _files)


STAGE = Stage(
    "pool",
    _run,
    units=_unit,
    check=_check,
    optional=True,
    inherited=False,
    reads_data=False,
)
