"""Finished runs side by side as tables: a column per run; what a run lacks is a dash.

A text of several lines is a number and, below it, what belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from synthmed_jax.report import provenance
from synthmed_jax.report.floor_tables import name_of
from synthmed_jax.report.formats import DASH, amount, percent, signed
from synthmed_jax.report.side_by_side import ArmScore, ComparedRun, SideBySide
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.section import Row, Table
from synthmed_jax.results.split import PartCounts

K = TypeVar("K")


def runs_table(side: SideBySide) -> Table:
    """Returns which runs these are."""
    of_run: dict[str, Callable[[ComparedRun], str]] = {
        "folder": lambda run: run.workdir,
        "data set": lambda run: run.dataset,
        "classes": lambda run: ", ".join(run.counts),
        "images": lambda run: str(sum(each.total for each in run.counts.values())),
        "real test images": lambda run: str(run.num_test),
        "config.seed": lambda run: str(run.seed),
        "preset": lambda run: run.scale or DASH,
        "commit of its last command": lambda run: DASH if run.info is None else run.info.commit,
        "this command began": lambda run: DASH if run.info is None else run.info.started,
    }
    rows = [Row(name, tuple(map(text, side.runs))) for name, text in of_run.items()]
    return _table(side, rows, "Each run by the last parts of its folder's path.")


def settings_table(side: SideBySide) -> Table:
    """Returns the config fields in which the runs differ."""
    rows = [
        Row(
            f"config.{field.name}",
            tuple(
                provenance.plain(field.values[run.name]) if run.name in field.values else DASH
                for run in side.runs
            ),
        )
        for field in side.fields
    ]
    return _table(
        side,
        rows,
        f"All config fields in which the runs differ. {DASH}: the version that made the run had no "
        "such field. Where prepared images are kept (config.data.cache_dir) is left out.",
    )


def data_table(side: SideBySide) -> Table:
    """Returns the numbers of images of each part."""
    rows = [Row("all classes", tuple(_parts(run.counts.values()) for run in side.runs))]
    for name in _ordered(run.counts for run in side.runs):
        of_class = (run.counts.get(name) for run in side.runs)
        rows.append(Row(name, tuple(DASH if c is None else _parts([c]) for c in of_class)))
    rows += [
        Row("sha256 of the data", tuple(run.data_hash[:12] for run in side.runs)),
        Row("sha256 of the test images", tuple((r.test_hash or DASH)[:12] for r in side.runs)),
    ]
    return _table(
        side,
        rows,
        "Real images: fit / val / test. Runs with the same sha256 (its first 12 digits) have the "
        "same images, or are tested on the same.",
    )


def arms_table(side: SideBySide) -> Table:
    """Returns the accuracy of each arm."""
    of_runs = [{arm.arm: arm for arm in run.arms} for run in side.runs]
    rows = [
        Row(name, tuple(_arm(of_run.get(name)) for of_run in of_runs)) for name in _ordered(of_runs)
    ]
    return _table(
        side,
        rows,
        "Accuracy on the run's own real test images with its 95 % interval, the mean over "
        "classes (balanced), and the network: of each arm the best by validation.",
    )


def floors_table(side: SideBySide) -> Table:
    """Returns what simple means score."""
    of_runs = [{(each.arm, each.features): each for each in run.floors} for run in side.runs]
    rows = [
        Row(
            f"{arm}: {name_of(features)}",
            tuple(_floor(of_run.get((arm, features))) for of_run in of_runs),
        )
        for arm, features in _ordered(of_runs)
    ]
    return _table(
        side,
        rows,
        "Balanced accuracy of forests that learned from each arm's images, and of always answering "
        "the most frequent class; below it by how many percentage points the arm's network is "
        "ahead, with its 95 % interval.",
    )


def cost_table(side: SideBySide) -> Table:
    """Returns how long each stage took, and on what machine."""
    infos = [run.info for run in side.runs]
    stages = [{row.name: row for row in provenance.stage_rows(info)} for info in infos]
    rows = [
        Row(name, tuple(of[name].time if name in of else DASH for of in stages))
        for name in _ordered(stages)
    ]
    if rows:
        totals = [provenance.total_time(info) if info and info.stages else DASH for info in infos]
        rows.append(Row("all of these", tuple(totals)))
    machine = {
        "processor": [DASH if info is None else info.cpu for info in infos],
        "cores": [
            DASH if info is None or info.cpu_affinity is None else str(len(info.cpu_affinity))
            for info in infos
        ],
        "devices": [DASH if info is None else ", ".join(info.devices) for info in infos],
    }
    rows += [Row(name, tuple(values)) for name, values in machine.items()]
    return _table(
        side,
        rows,
        "Wall time of each stage over all commands that worked on it; a stage that was taken over "
        "from another workdir has none. The machine is that of the last command. Other "
        "work on a machine makes times longer.",
    )


def _table(side: SideBySide, rows: Iterable[Row], caption: str) -> Table:
    return Table(side.names, tuple(rows), caption)


def _ordered(of_runs: Iterable[Iterable[K]]) -> list[K]:
    """What occurs in any of the runs, in the order of the first that has it."""
    return list(dict.fromkeys(name for of_run in of_runs for name in of_run))


def _parts(counts: Iterable[PartCounts]) -> str:
    counts = list(counts)
    return " / ".join(
        str(sum(parts))
        for parts in ([c.fit for c in counts], [c.val for c in counts], [c.test for c in counts])
    )


def _arm(arm: ArmScore | None) -> str:
    if arm is None:
        return DASH
    trainings = "1 training" if arm.trainings == 1 else f"{arm.trainings} trainings"
    low, high = f"{100 * arm.interval.low:.1f}", percent(arm.interval.high)
    return (
        f"{percent(arm.accuracy)}\n{low} to {high}\n"
        f"balanced {percent(arm.balanced_accuracy)}\n{arm.backbone}, {amount(arm)}, {trainings}"
    )


def _floor(floor: Floor | None) -> str:
    if floor is None:
        return DASH
    text = percent(floor.balanced_accuracy)
    ahead = floor.network_ahead
    if ahead is not None:
        text += f"\n{signed(ahead.estimate)} ({signed(ahead.low)} to {signed(ahead.high)})"
    return text
