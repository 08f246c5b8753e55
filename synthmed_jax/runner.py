"""Runs stages: skips what is finished, resumes what is not, refuses what does not fit together."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
from collections.abc import Sequence

from ml_collections import ConfigDict

from synthmed_jax import (
    checks,
    devices,
    failures,
    following,
    hosts,
    kept_programs,
    litter,
    places,
    protocol,
    shard_run,
)
from synthmed_jax import settings as settings_module
from synthmed_jax.cost.chips import Target
from synthmed_jax.durations import in_words
from synthmed_jax.errors import Unworkable, UserError
from synthmed_jax.files import read_json, write_json
from synthmed_jax.remote import address
from synthmed_jax.remote import sync as remote
from synthmed_jax.remote.sync import Sync
from synthmed_jax.report import console
from synthmed_jax.shard import Shard, check_asked
from synthmed_jax.stages import (
    BLOCKS,
    STAGES,
    base,
    disk,
    evaluate,
    inherit,
    ledger,
    mending,
    report,
    run_info,
    split,
)
from synthmed_jax.stages import target as target_module
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run, make_run
from synthmed_jax.terminal.board import State
from synthmed_jax.terminal.screen import Plain, Screen


def run(
    config: ConfigDict,
    directory: str | os.PathLike[str],
    only: Sequence[str] = (),
    *,
    dry_run: bool = False,
    check_data: bool = False,
    source: str | os.PathLike[str] | None = None,
    shard: Shard | None = None,
    screen: Screen | None = None,
    target: Target | None = None,
    sync: Sync | None = None,
) -> None:
    """Runs the stages that are not finished, in order.

    Args:
      config: from configs/.
      directory: the workdir: a folder, or an address on remote storage (remote/address.py).
      only: names of stages; empty: all.
      dry_run: only time a few steps of the long stages and say how long they will take; nothing is
        written to the workdir.
      check_data: only print what was found in the data set's folder, and draw contact sheets of
        the classes into the workdir.
      source: another workdir, whose finished stages are taken over as far as settings and data are
        the same; a folder or an address.
      shard: only this part of the trainings of `classify`, beside other processes; None: all work.
      screen: where a person looks; None: plain lines.
      target: with `dry_run`: say what the long stages would take on these devices, which need not
        be here, and time nothing.
      sync: how a remote workdir is kept up to date; None: as by default.

    Raises:
      UserError: bad settings, data or workdir, or a machine without room, memory or device;
        nothing that was computed is lost.
    """
    if shard is not None:
        others = {"from": source is not None, "dry_run": dry_run, "check_data": check_data}
        check_asked(only, others | {"target": target is not None})
    if source is not None and (dry_run or check_data):
        raise UserError(
            "--from writes into the workdir, and --dry_run and --check_data are to do nothing "
            "there: take over first (--stages=split does no more), then ask"
        )
    if target is not None and not dry_run:
        raise UserError("--target only tells what a run would take elsewhere: add --dry_run")
    settings_module.check_fields(config, BLOCKS)
    config = protocol.apply(config)
    settings = settings_module.from_config(config, BLOCKS)
    for field, value in settings.fields.items():
        if isinstance(value, str) and address.is_address(value):
            address.check(value, f"config.{field}")  # all fields are written into config.json
    for name in only:
        checks.one_of("--stages", name, [stage.name for stage in STAGES])
    for warning in settings_module.warnings(settings):
        print(f"note: {warning}", flush=True)
    devices.start(settings.cpu_devices)
    if target is None:
        devices.check_accelerator(settings.scale)
    url = address.check(os.fspath(directory), "--workdir") if address.is_address(directory) else ""
    _refuse_shards(url, shard)
    cache = places.prepare(settings.data, url or pathlib.Path(directory))
    kept_programs.keep(cache / "xla")
    with contextlib.ExitStack() as stack:
        root, bring_up_to_date = pathlib.Path(directory), None
        if url and hosts.follows():
            root, bring_up_to_date = stack.enter_context(
                remote.followed(url, cache, hosts.index(), following.FOLDERS)
            )
        elif url and dry_run:
            root = stack.enter_context(remote.read(url, cache))
        elif url:
            root, bring_up_to_date = stack.enter_context(remote.kept(url, cache, sync or Sync()))
        run = make_run(settings, root, bring_up_to_date)
        with failures.told(run):
            if hosts.follows():
                following.follow(run, STAGES)
                return
            if shard is not None:
                shard_run.run(run, config.to_dict(), shard, screen or Plain())
                return
            if source is not None:
                _take_over(run, source, cache)
            wanted = _wanted(run, only)
            if target is not None:
                _say_target(run, wanted, target)
                return
            _run(run, config, wanted, screen or Plain(), dry_run=dry_run, check_data=check_data)


def _refuse_shards(url: str, shard: Shard | None) -> None:
    if url and shard is not None:
        raise UserError(
            f"--workdir={url} can't be shared by --shard, whose processes work in one folder: name "
            "a folder that they all see"
        )


def _wanted(run: Run, only: Sequence[str]) -> list[Stage]:
    return [s for s in STAGES if s.name in only or (not only and (not s.optional or s.asked(run)))]


def _say_target(run: Run, wanted: Sequence[Stage], target: Target) -> None:
    for stage in base.with_upstream(run, wanted, STAGES):
        base.check_marker(run, stage)
    target_module.say_expected(run, wanted, target)


def _take_over(run: Run, source: str | os.PathLike[str], cache: pathlib.Path) -> None:
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(source)
        if address.is_address(source):
            url = address.check(os.fspath(source), "--from")
            folder = stack.enter_context(remote.read(url, cache))
        with run.workdir.lock():
            inherit.take_over(run, folder, STAGES)


def _run(
    run: Run,
    config: ConfigDict,
    wanted: Sequence[Stage],
    screen: Screen,
    *,
    dry_run: bool,
    check_data: bool,
) -> None:
    if check_data:
        split.check_data(run)
        _say_refusals(run, wanted)
        return
    if not dry_run:
        mending.look_at_markers(run, STAGES)
    needed = base.with_upstream(run, wanted, STAGES)
    for stage in needed:
        base.check_marker(run, stage)
    _check(run, wanted)
    if evaluate.STAGE in wanted:
        evaluate.declare(run)
    if dry_run:
        _say_expected(run, wanted)
        return
    with run.workdir.lock():
        for stage in needed:  # another run may have ended since they were looked at
            base.check_marker(run, stage)
        litter.remove_from_workdir(run.workdir.root)
        _run_stages(run, mending.with_damaged(run, wanted, needed), config, needed, screen)
    if report.STAGE in wanted and _is_of_this_state(run):
        page = run.workdir.report
        written = read_json(page.with_name("report.json"))
        screen.answer([*console.lines(written), f"report: {page.absolute()}"])


def _is_of_this_state(run: Run) -> bool:
    """Whether the report shows what lies in the workdir now, and what the settings ask for."""
    stages = base.with_upstream(run, [report.STAGE], STAGES)
    return all(base.is_finished(run, stage) for stage in stages)


def _check(run: Run, stages: Sequence[Stage]) -> None:
    """Refuses what a stage can't do, before any; what was found in the data is printed first."""
    try:
        for stage in stages:
            stage.check(run)
    except UserError:
        if split.STAGE in stages and not base.is_finished(run, split.STAGE):
            split.show(run)
        raise


def _say_refusals(run: Run, stages: Sequence[Stage]) -> None:
    """Prints what a run of these stages would be refused for."""
    refusals: dict[str, str] = {}
    for stage in stages:
        try:
            stage.check(run)
        except UserError as error:
            refusals.setdefault(str(error), stage.name)
    for message, name in refusals.items():
        print(f"warning: a run would be refused before stage {name!r}: {message}", flush=True)


def _run_stages(
    run: Run,
    stages: Sequence[Stage],
    config: ConfigDict,
    needed: Sequence[Stage],
    screen: Screen,
) -> None:
    write_json(run.workdir.config, config.to_dict())
    expectations: dict[str, float] = {}

    def run_stage(stage: Stage) -> None:
        if not expectations and _is_long(run, stage):
            expectations.update(_say_expected(run, stages))
            screen.expect(expectations)
        _run_stage(run, stage, screen, expectations.get(stage.name))

    with screen.stages(_states(run, stages, needed)):
        for stage in stages:
            mending.mend(run, stage, STAGES, run_stage)


def _states(run: Run, stages: Sequence[Stage], needed: Sequence[Stage]) -> dict[str, State]:
    """How the stages stand before any has run: those to run, those they need, and the rest."""
    states = {}
    for stage in STAGES:
        if stage in stages:
            # Whether others are finished is known only when those before them have run.
            states[stage.name] = State.WAITING
        elif stage in needed:
            states[stage.name] = State.KEPT if base.is_finished(run, stage) else State.SKIPPED
        elif not stage.optional:
            states[stage.name] = State.SKIPPED
    return states


def _is_long(run: Run, stage: Stage) -> bool:
    """Whether a stage takes long and has work left; one whose inputs are not finished has."""
    if stage.expect is None:
        return False
    # The inputs first: what is explained is known only after the evaluation.
    return not all(base.is_finished(run, each) for each in (*base.upstream(run, stage), stage))


def _say_expected(run: Run, stages: Sequence[Stage]) -> dict[str, float]:
    """Times a few steps of the long stages that have work left; prints what that comes to.

    Early stops are not foreseen, nor what is short (reading, evaluation, report), and what a
    broken-off explanation knows already is not taken off.
    """
    seconds: dict[str, float] = {}
    for stage in stages:
        with failures.told(run, stage.name):
            if stage.expect and _is_long(run, stage):
                seconds[stage.name] = stage.expect(run)
    listed = [f"{name} {in_words(value)}" for name, value in seconds.items()]
    total = in_words(sum(seconds.values()))
    print(
        f"expected on this machine: {', '.join(listed) or 'nothing long'}; in all {total}",
        flush=True,
    )
    disk.say_expected(run, stages)
    return seconds


def _run_stage(
    run: Run, stage: Stage, screen: Screen, expected_seconds: float | None = None
) -> None:
    for upstream in base.upstream(run, stage):
        marker = base.read_marker(run, upstream)
        if not marker or marker.status != "finished":
            raise UserError(
                f"stage {stage.name!r} needs {upstream.name!r}, which is not finished: run it too"
            )
    if base.is_finished(run, stage):
        screen.end(stage.name, State.KEPT, 0.0)
        return
    screen.start(stage.name, expected_seconds)
    base.mark(run, stage, "started")
    units = stage.units(run)  # what it finds now: it makes no more of what comes while it works
    started = time.monotonic()
    status = "stopped"
    try:
        with failures.told(run, stage.name):
            stage.run(run)
        base.mark(run, stage, "finished", ledger.record(run, stage), units)
        status = "finished"
    except Unworkable:
        base.mark(run, stage, "failed")  # which leaves it open for other settings
        raise
    finally:
        if stage.reads_data:
            seconds = time.monotonic() - started
            run_info.add(run, stage, status, seconds, expected_seconds)
        state = State.DONE if status == "finished" else State.STOPPED
        screen.end(stage.name, state, time.monotonic() - started)
