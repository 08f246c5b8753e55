"""One unbroken run, and what the workdir and the cache held before each of its stages."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import shutil
import time
from collections.abc import Iterator

from tests.reliability import child, comparing, small
from tests.reliability.child import Command, Outcome
from tests.reliability.comparing import Contents

STAGES = (
    "split", "diffusion", "generate", "audit", "classify", "evaluate", "explain", "card",
    "report",
)  # fmt: skip
END = "end"  # in the place of a stage: after the last


@dataclasses.dataclass(frozen=True)
class Moment:
    """What the disk held at a moment: copies that nobody writes into."""

    workdir: pathlib.Path
    cache: pathlib.Path


@dataclasses.dataclass(frozen=True)
class World:
    """The unbroken run.

    Attributes:
      root: folder of everything.
      before: stage, or END -> the moment before it began.
      contents: stage -> the workdir's contents after it.
      seconds: stage -> that it took.
      changes: stage -> changes of files that it made.
    """

    root: pathlib.Path
    before: dict[str, Moment] = dataclasses.field(default_factory=dict)
    contents: dict[str, Contents] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    changes: dict[str, int] = dataclasses.field(default_factory=dict)
    _numbers: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    @property
    def data(self) -> pathlib.Path:
        """The images."""
        return self.root / "data"

    def copy(self, moment: Moment) -> Moment:
        """Returns a copy that a case may change; to be removed by `discard`."""
        folder = self.root / f"case{next(self._numbers)}"
        folder.mkdir()
        for path, name in ((moment.workdir, "run"), (moment.cache, "cache")):
            if path.exists():
                shutil.copytree(path, folder / name)
        return Moment(folder / "run", folder / "cache")

    def discard(self, moment: Moment) -> None:
        """Removes a copy."""
        shutil.rmtree(moment.workdir.parent)

    def run(self, moment: Moment, *stages: str, **options: object) -> Outcome:
        """Runs stages in a copy; options are those of `Command`."""
        command = Command(self.data, moment.cache, moment.workdir, stages, **options)
        return child.run(command, moment.workdir.parent / "said")

    def start(self, moment: Moment, name: str, *stages: str, **options: object) -> child.Started:
        """The same, beside others: `name` is of this process."""
        command = Command(self.data, moment.cache, moment.workdir, stages, **options)
        return child.Started(command, moment.workdir.parent / f"said {name}")

    def after(self, stage: str) -> str:
        """The stage that follows, or END."""
        return (*STAGES, END)[STAGES.index(stage) + 1]


def make(root: pathlib.Path) -> World:
    """Makes the unbroken run, stage by stage."""
    world = World(root)
    small.draw(world.data)
    nothing = Moment(root / "nothing", root / "nothing")
    now = world.before[STAGES[0]] = nothing
    for stage in STAGES:
        after = world.copy(now)
        began = time.monotonic()
        outcome = world.run(after, stage)
        assert outcome.status == 0, outcome.said
        world.seconds[stage] = time.monotonic() - began
        world.changes[stage] = outcome.changes
        world.contents[stage] = comparing.contents(after.workdir)
        now = world.before[world.after(stage)] = after
    return world
