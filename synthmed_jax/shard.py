"""A shard: one of n parts of the trainings of stage `classify`, which processes share in a workdir.

Networks x arms x seeds are trainings that know nothing of each other. Which part a training is in
follows from the settings alone, so that each process finds the same parts, whatever is finished.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from synthmed_jax.errors import UserError

# --shard=slurm: the shard is the number of a task in an array of jobs.
SLURM = "slurm"
_TASK, _FIRST, _LAST, _COUNT = (
    f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "MIN", "MAX", "COUNT")
)
# The stage whose work can be shared.
STAGE = "classify"


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of the parts.

    Attributes:
      index: which, from 1.
      count: how many there are.
    """

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def part(self, trainings: Sequence[str]) -> tuple[str, ...]:
        """Returns every n-th of all trainings, beginning with the i-th.

        They come network by network, and those of one network cost about the same: so each part has
        as many of each network as another, or one more.
        """
        return tuple(trainings[self.index - 1 :: self.count])


def parse(text: str, environment: Mapping[str, str]) -> Shard:
    """Returns the shard that --shard names.

    Args:
      text: "i/n" with 1 <= i <= n, or SLURM.
      environment: variables of the process, of which SLURM's are read where they are asked for.

    Raises:
      UserError: another text; or no array of jobs, or one with gaps.
    """
    if text == SLURM:
        return _of_array(environment)
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(
            f"--shard={text!r} must be i/n, the i-th of n parts with i from 1 to n, such as "
            f"--shard=1/4; or {SLURM}"
        )
    return Shard(int(found[1]), int(found[2]))


def _of_array(environment: Mapping[str, str]) -> Shard:
    values = {}
    for name in (_TASK, _FIRST, _LAST, _COUNT):
        value = environment.get(name, "")
        if not re.fullmatch(r"[0-9]+", value):
            raise UserError(
                f"--shard={SLURM} reads {name}, which is {value!r} here: start it in an array of "
                "jobs (sbatch --array=1-4), or give --shard=i/n"
            )
        values[name] = int(value)
    task, first, last, count = values.values()
    if last - first + 1 != count:  # its later parts would be nobody's
        raise UserError(
            f"--shard={SLURM} needs an array without gaps, and {count} tasks are from {first} to "
            f"{last} here: submit all of it again (--array={first}-{last}), finished parts end at "
            "once; or give --shard=i/n"
        )
    return Shard(task - first + 1, count)


def check_asked(stages: Sequence[str], others: Mapping[str, bool]) -> None:
    """Refuses a shard of anything but the trainings of `classify`.

    Args:
      stages: what --stages names.
      others: flag -> whether it is given, of those that mean a whole run.

    Raises:
      UserError: saying why.
    """
    if list(stages) != [STAGE]:
        raise UserError(
            f"--shard divides the trainings of stage {STAGE!r}, which do not need each other; "
            f"other stages are one piece of work: give --stages={STAGE} with it, and run what "
            "comes before and after without --shard"
        )
    for flag, given in others.items():
        if given:
            raise UserError(f"--{flag} is of whole runs: give it without --shard")
