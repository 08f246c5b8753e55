"""The stage that sets finished runs side by side; it reads no images."""

from __future__ import annotations

import functools
import pathlib

from synthmed_jax.files import write_text
from synthmed_jax.printable import printable
from synthmed_jax.report import compare_page, compare_runs, compare_text
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.stages import other_runs
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run
from synthmed_jax.workdir import Workdir


def _read(run: Run) -> SideBySide:
    folders = run.settings.compare.folders
    compare_runs.check_folders(folders)
    return _read_finished(folders, _unit(run))


@functools.lru_cache(maxsize=1)  # They are read to be checked, and then shown.
def _read_finished(folders: tuple[pathlib.Path, ...], unit: tuple[str, ...]) -> SideBySide:
    """Reads workdirs; `unit` is another one where one of their files is."""
    return compare_runs.read_side_by_side(folders)


def _check(run: Run) -> None:
    _read(run)


def _run(run: Run) -> None:
    folder, side = run.workdir.compare, _read(run)
    side.write(folder / "compare.json")
    write_text(folder / "compare.md", compare_page.render_markdown(side))
    page = folder / "index.html"
    write_text(page, compare_page.render_html(side))
    print(*map(printable, compare_text.paragraphs(side)), sep="\n", flush=True)
    print(f"compare: {page.absolute()}", flush=True)


def _files(workdir: Workdir) -> tuple[pathlib.Path, ...]:
    """What the page says comes from these."""
    return (
        *(workdir.config, workdir.run_info, workdir.split, workdir.evaluation),
        *(workdir.floors, workdir.fidelity, workdir.lime, workdir.audit_fidelity),
        *(workdir.audit_memorisation, workdir.audit / "membership.json"),
    )


def _unit(run: Run) -> tuple[str, ...]:
    return other_runs.unit(run.settings.compare, _files)


STAGE = Stage(
    "compare",
    _run,
    units=_unit,
    check=_check,
    optional=True,
    inherited=False,
    reads_data=False,
)
