"""Runs one shard: a part of the trainings of `classify`, beside other processes in one workdir.

A whole run is alone in its workdir. Shards are not: each makes only trainings that it has claimed,
changes what they have in common (marker, config.json, run.json) in order, one process at a time,
removes nothing that may be another's, and mends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from synthmed_jax import failures, litter
from synthmed_jax.claims import Claims
from synthmed_jax.classifiers.train import remove_resume
from synthmed_jax.errors import Damaged, Unworkable, UserError
from synthmed_jax.files import write_json
from synthmed_jax.shard import Shard
from synthmed_jax.stages import STAGES, base, classify, ledger, run_info
from synthmed_jax.stages.run import Run
from synthmed_jax.terminal.board import State
from synthmed_jax.terminal.screen import Screen

_STAGE = classify.STAGE
_NAMED = 3  # trainings, where many are to be told of


def run(run: Run, config: Mapping[str, object], shard: Shard, screen: Screen) -> None:
    """Makes those trainings of a shard that have no result yet and that no other process is at.

    The stage is finished by whoever ends last. It says what the whole grid still lacks.

    Args:
      config: the resolved one, as config.json has it.

    Raises:
      UserError: as of the stage; a whole run is at work; what comes before is not finished, or
        damaged; or, at the end, another process is still at trainings of this shard.
    """
    with run.workdir.shared_lock(), Claims(run.workdir.locks) as claims:
        try:
            _run(run, config, shard, screen, claims)
        except Damaged as error:
            raise UserError(
                f"{error}: a shard mends nothing, since others may be at work. Give the command "
                "without --shard when they have ended, and it is made anew"
            ) from error


def _run(
    run: Run, config: Mapping[str, object], shard: Shard, screen: Screen, claims: Claims
) -> None:
    _check_before(run)
    _STAGE.check(run)
    grid = classify.grid(run)
    part = shard.part(grid)
    with claims.in_order():
        _begin(run, claims)
        write_json(run.workdir.config, config)
    with screen.stages(_states(run)):
        if base.is_finished(run, _STAGE):
            screen.end(_STAGE.name, State.KEPT, 0.0)
            return
        screen.start(_STAGE.name, None)
        started, done = time.monotonic(), False
        try:
            with failures.told(run, _STAGE.name):
                classify.train(run, part, lambda name: _takes(run, name, claims))
            done = True
        except Unworkable:
            with claims.in_order():
                base.mark(run, _STAGE, "failed")  # which leaves it open for other settings
            raise
        finally:
            claims.release()
            seconds = time.monotonic() - started
            with claims.in_order():
                lacking = _lacking(run, grid, claims)
                if done and not lacking and not base.is_finished(run, _STAGE):
                    base.mark(run, _STAGE, "finished", ledger.record(run, _STAGE))
                status = "finished" if base.is_finished(run, _STAGE) else "stopped"
                run_info.add(run, _STAGE, status, seconds, None)
            screen.end(_STAGE.name, State.DONE if done else State.STOPPED, seconds)
    _tell(shard, grid, lacking)


def _check_before(run: Run) -> None:
    """Whether all that the stage reads is there, as the settings want it.

    Raises:
      Damaged: something that was finished is no longer what was left.
      UserError: something was run with other settings, or is not finished.
    """
    for stage in base.with_upstream(run, [_STAGE], STAGES):
        base.check_marker(run, stage)
        for damage in ledger.damage(run, stage):
            raise damage
        if stage is not _STAGE and not base.is_finished(run, stage):
            raise UserError(
                f"stage {_STAGE.name!r} needs {stage.name!r}, which is not finished: run it first, "
                f"without --shard (--stages={stage.name})"
            )


def _begin(run: Run, claims: Claims) -> None:
    """Binds the stage to this run's settings, in order, unless that is done.

    Raises:
      UserError: the workdir has results of other settings, or others are at work with such.
    """
    base.check_marker(run, _STAGE)
    # The digest leaves out what only adds trainings, and the grid has that.
    purpose = "\n".join([base.fingerprint(run, _STAGE).digest, *classify.grid(run)])
    others = claims.join(purpose)
    if others not in (None, purpose):
        raise UserError(
            f"other shards are at work in {run.workdir.root} with other settings, networks, arms, "
            "amounts or seeds: give all shards of a workdir the same, or wait for their end"
        )
    if not base.is_finished(run, _STAGE):
        base.mark(run, _STAGE, "started")


def _states(run: Run) -> dict[str, State]:
    """All that comes before is there."""
    needed = base.with_upstream(run, [_STAGE], STAGES)
    return {each.name: State.WAITING if each is _STAGE else State.KEPT for each in needed}


def _takes(run: Run, name: str, claims: Claims) -> bool:
    """Whether a training is this process's; what a killed one has left half written is removed."""
    claims.release(lambda other: _has_result(run, other))
    if claims.claim(name):
        litter.remove_from_workdir(run.workdir.classify / name)
        return True
    if not _has_result(run, name):
        print(f"{name}: another process is at it", flush=True)
    return False


def _has_result(run: Run, name: str) -> bool:
    return (run.workdir.classify / name / "result.json").exists()


def _lacking(run: Run, grid: Sequence[str], claims: Claims) -> list[str]:
    """The trainings without a result, or whose process still clears up behind it.

    It is asked in order, once all claims of this process are released. So the last process that
    asks finds none that is only cleared up behind, and finishes the stage. What a process that was
    killed while it cleared up has left is removed.
    """
    lacking = []
    for name in grid:
        # Only one that has its result is claimed here: another process takes it for what it is.
        if _has_result(run, name) and claims.claim(name):
            remove_resume(run.workdir.classify / name)
            claims.release()
        else:
            lacking.append(name)
    return lacking


def _tell(shard: Shard, grid: Sequence[str], lacking: Sequence[str]) -> None:
    """Says what the whole grid lacks.

    Raises:
      UserError: some of it is of this shard: another process is at it.
    """
    if not lacking:
        print(f"all {len(grid)} trainings of the whole grid are finished", flush=True)
        return
    parts = [Shard(index, shard.count) for index in range(1, shard.count + 1)]
    theirs = [f"--shard={each}" for each in parts if set(each.part(grid)) & set(lacking)]
    own = [name for name in shard.part(grid) if name in lacking]
    if own:
        raise UserError(
            f"of shard {shard}, {_named(own)} were left to other processes, which are still at "
            "them: give the same command again when they have ended"
        )
    print(
        f"shard {shard} has all its results; of the whole grid, {_named(lacking)} are still "
        f"missing: {' '.join(theirs)}, or the command without --shard when no other is at work",
        flush=True,
    )


def _named(names: Sequence[str]) -> str:
    """Says how many trainings these are, and names the first."""
    more = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} training(s) ({', '.join(names[:_NAMED])}{more})"
