"""Files that the user wants left out: globs of `data.exclude`."""

import fnmatch
import re
from collections.abc import Iterable, Sequence

from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.errors import UserError

REASON = "matches data.exclude"


def matched(files: Sequence[str], globs: Sequence[str]) -> frozenset[str]:
    """Returns the files that a glob matches, by their path or by their name; case counts.

    Args:
      files: POSIX paths; `*` also matches their "/".

    Raises:
      UserError: a glob matches nothing.
    """
    out: set[str] = set()
    for glob in globs:
        found = hits(files, glob)
        if not found:
            raise UserError(
                f"{flag('data.exclude', glob)} matches no file: it is compared with paths and "
                f"with names, case counts; there are {some(files) or 'no files'}"
            )
        out |= found
    return frozenset(out)


def fits(globs: Sequence[str], wanted: Iterable[str], others: Iterable[str]) -> bool:
    """Whether the globs match all wanted files and none of the others."""
    wanted, others = list(wanted), list(others)
    hit = [hits([*wanted, *others], glob) for glob in globs]
    return frozenset().union(*hit) == frozenset(wanted)


def hits(files: Sequence[str], glob: str) -> frozenset[str]:
    """Returns the files whose path or name one glob matches."""
    pattern = re.compile(fnmatch.translate(glob))
    return frozenset(
        file for file in files if pattern.match(file) or pattern.match(file.rpartition("/")[2])
    )
