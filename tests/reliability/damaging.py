"""Damages one file, runs the program, and says what came of it."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Sequence

from tests.reliability import comparing
from tests.reliability.comparing import Contents
from tests.reliability.world import Moment, World

# What tells files of one kind apart: classes, networks and folds, steps, digests.
_MANY = re.compile(
    r"bright|dark|tiny/\w+/[^/]+/training\d|(?<=[ste]/)\d+(?=/)|\d{5}(?=\.png)|(?<=report/)\w+(?=\.png)|(?<=class|arest)\d"
    r"|ocdbt\.process_0/|[0-9a-f]{32,}|[0-9a-f]{16}-|tiny_\w+|(?<=tfevents\.)\d+"
)

# What comes of damage.
MENDED = "named and made anew"
EQUAL = "of no effect, or made anew unnamed"  # what was removed may never have been there
UNREAD = "not read by this run, and left"
FOLLOWED = "refused, and made anew by its advice"
REFUSED = "refused in a sentence"
TRACEBACK = "traceback"
SILENT = "used in silence"


def _truncated(path: pathlib.Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _emptied(path: pathlib.Path) -> None:
    path.write_bytes(b"")


def _flipped(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _removed(path: pathlib.Path) -> None:
    path.unlink()


def _edited(path: pathlib.Path) -> None:
    """Changes a digit of a text by one, as an editor would; else fills a third with zeros."""
    content = path.read_bytes()
    try:
        digits = list(re.finditer(r"\d(?=[,\"\n\s])", content.decode()))
    except UnicodeDecodeError:
        digits = []
    if digits:
        at = len(content.decode()[: digits[len(digits) // 2].start()].encode())
        content = content[:at] + b"%d" % ((int(content[at : at + 1]) + 1) % 10) + content[at + 1 :]
    else:
        third = len(content) // 3
        content = content[:third] + bytes(third) + content[2 * third :]
    path.write_bytes(content)


WAYS: dict[str, Callable[[pathlib.Path], None]] = {
    "truncated": _truncated,
    "emptied": _emptied,
    "flipped": _flipped,
    "removed": _removed,
    "edited": _edited,
}


def cases(paths: Sequence[pathlib.Path]) -> list[tuple[pathlib.Path, str]]:
    """Damages every file in one way at least, and files of one kind in all ways."""
    ways, number = list(WAYS), max(len(paths), len(WAYS))
    # Where the numbers of files and ways have a common factor, the second round is shifted.
    return [(paths[i % len(paths)], ways[(i + i // len(paths)) % len(ways)]) for i in range(number)]


def files(moment: Moment) -> dict[str, list[pathlib.Path]]:
    """Returns kind -> the files of that kind, below the folder that holds workdir and cache."""
    kinds: dict[str, list[pathlib.Path]] = {}
    for folder in (moment.workdir, moment.cache):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder.parent)
            kinds.setdefault(_MANY.sub("*", name.as_posix()), []).append(name)
    return kinds


def damage(
    world: World, moment: Moment, name: pathlib.Path, way: str, stage: str, wanted: Contents
) -> tuple[str, str]:
    """Damages a file of a copy of a moment, and runs.

    Args:
      name: of the file, below the folder that holds the workdir and the cache.
      stage: that is run; "": all.
      wanted: the results that have to come of it.

    Returns:
      What came of it, and what is to be said of that.
    """
    case = world.copy(moment)
    path = case.workdir.parent / name
    WAYS[way](path)
    outcome = world.run(case, *([stage] if stage else []))
    needed = re.search(r"needs '(\w+)', which is not finished: run it too$", outcome.said.rstrip())
    if needed:  # a marker that is gone
        outcome = world.run(case, needed[1], stage)
    others = comparing.difference(comparing.contents(case.workdir), wanted)
    verdict = _verdict(case, path, outcome.status, outcome.said, others)
    if needed and verdict in (MENDED, EQUAL):
        verdict = FOLLOWED
    world.discard(case)
    return verdict, f"{name} {way}: {verdict}; status {outcome.status}; {others}\n{outcome.said}"


def _verdict(case: Moment, path: pathlib.Path, status: int, said: str, others: list[str]) -> str:
    if status not in (0, 2) or "Traceback" in said:
        return TRACEBACK
    if status == 2:
        return REFUSED
    below = case.workdir if path.is_relative_to(case.workdir) else case.cache
    own = [p for p in (path, *path.parents) if p.is_relative_to(below) and p != below]
    # A checkpoint is named, and compared, by its folder.
    if set(others) - {p.relative_to(below).as_posix() for p in own}:
        return SILENT
    if others:
        return UNREAD
    is_named = any(re.search(rf"{re.escape(str(p))}(?![\w/.])", said) for p in own)
    return MENDED if is_named else EQUAL
