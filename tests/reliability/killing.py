"""Kills a stage while it works, lets it go on, and compares with the unbroken run."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Sequence

from tests.reliability import comparing
from tests.reliability.world import Moment, World


@dataclasses.dataclass(frozen=True)
class Kill:
    """When a process is killed.

    Attributes:
      share: of the unbroken stage's changes of files, or of its time, in [0, 1].
      by_time: which of both.
    """

    share: float
    by_time: bool = False


def kill(world: World, moment: Moment, stage: str, when: Kill) -> bool:
    """Runs a stage and kills it; returns whether it still ran then."""
    if when.by_time:
        outcome = world.run(moment, stage, kill_after=when.share * world.seconds[stage])
    else:
        number = 1 + round(when.share * (world.changes[stage] - 1))
        outcome = world.run(moment, stage, kill_before=number)
    assert outcome.status in (0, -signal.SIGKILL), outcome.said
    return outcome.status != 0


def go_on(world: World, moment: Moment, stage: str) -> list[str]:
    """Gives the same command again; returns what is wrong afterwards."""
    outcome = world.run(moment, stage)
    if outcome.status != 0 or "Traceback" in outcome.said:
        return [f"status {outcome.status}: {outcome.said}"]
    return comparing.difference(comparing.contents(moment.workdir), world.contents[stage])


def sequence(world: World, stage: str, kills: Sequence[Kill]) -> tuple[int, list[str]]:
    """Kills a stage some times in a row; returns how often it was at work, and what is wrong."""
    moment = world.copy(world.before[stage])
    hits = sum(kill(world, moment, stage, when) for when in kills)
    wrong = go_on(world, moment, stage)
    world.discard(moment)
    return hits, wrong
