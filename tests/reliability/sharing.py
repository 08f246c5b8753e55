"""Several processes in one workdir, each at a part of the trainings of `classify`."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from tests.reliability import comparing
from tests.reliability.child import Outcome
from tests.reliability.world import Moment, World

# In the middle of a training: before its first checkpoint to go on from.
MIDDLE = "/resume"


def at_once(world: World, moment: Moment, shards: Sequence[str]) -> list[Outcome]:
    """Gives each shard to a process of its own, all at the same time."""
    started = [
        world.start(moment, str(number), "classify", shard=shard)
        for number, shard in enumerate(shards)
    ]
    return [each.wait() for each in started]


def trained(*outcomes: Outcome) -> list[str]:
    """Returns the trainings that were begun, in all processes, as cell and name."""
    said = "".join(outcome.said for outcome in outcomes)
    return sorted(re.findall(r"^trains .*/classify/(\S+)$", said, re.MULTILINE))


def wrong_after(world: World, moment: Moment) -> list[str]:
    """Evaluates as one process does, and names what is other than in the unbroken run.

    Not before: what a killed shard has left half written outside of its trainings, such as half a
    marker, is removed by the next whole run.
    """
    outcome = world.run(moment, "evaluate")
    if outcome.status:
        return [outcome.said]
    after = comparing.contents(moment.workdir)
    return comparing.difference(after, world.contents["evaluate"])


def killed_and_restarted(
    world: World, shards: Sequence[str], shares: Sequence[float]
) -> tuple[list[int], list[str]]:
    """Kills processes that are at work at once, and gives their commands again.

    Args:
      shards: of the processes.
      shares: for each, of the changes of files that one process makes at all trainings: before
        which change it is killed, if it gets there.

    Returns:
      The first statuses; what is wrong at the end.
    """
    moment = world.copy(world.before["classify"])
    started = [
        world.start(
            moment, str(number), "classify", shard=shard,
            kill_before=1 + round(share * world.changes["classify"]),
        )
        for number, (shard, share) in enumerate(zip(shards, shares, strict=True))
    ]  # fmt: skip
    first = [each.wait() for each in started]
    wrong = [each.said for each in first if each.status not in (0, 2, -signal.SIGKILL)]
    again = [world.run(moment, "classify", shard=shard) for shard in shards]
    wrong += [each.said for each in again if each.status or "Traceback" in each.said]
    wrong += wrong_after(world, moment)
    world.discard(moment)
    return [each.status for each in first], wrong
