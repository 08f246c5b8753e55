"""Standard output and error, made safe for terminals: what they can show, and where lines go."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from synthmed_jax.printable import printable

# Terminals that can't move the cursor.
_DUMB = ("", "dumb", "unknown")


class Stream:
    """A stream whose lines may be shown above a table.

    What would steer a terminal is spelt out, and lines stay lines.
    """

    def __init__(self, stream: TextIO, *, cleaned: bool):
        """cleaned: whether that holds without a table, too; libraries draw bars on stderr."""
        self.stream, self._cleaned = stream, cleaned
        self._above: Callable[[str], None] | None = None
        self._begun = ""  # of a line that has no end yet

    def write(self, text: str) -> int:
        """Writes a text, or the lines that it ends."""
        if self._above is None:
            return self.stream.write(printable(text, keep="\n\t") if self._cleaned else text)
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            # What a bar wrote over itself is gone.
            self._above(printable(line.rstrip("\r").rpartition("\r")[2], keep="\t"))
        return len(text)

    @contextlib.contextmanager
    def above(self, show: Callable[[str], None]) -> Iterator[None]:
        """Within it, every line is given to `show`."""
        self._above = show
        try:
            yield
        finally:
            self._above = None
            begun, self._begun = self._begun, ""
            if begun:
                self.write(f"{begun}\n")

    def isatty(self) -> bool:
        """Whether it is on a terminal."""
        return self.stream.isatty()

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def install(environment: Mapping[str, str]) -> tuple[Stream, Stream]:
    """Puts such streams in the place of standard output and error, and returns them.

    On a terminal that says that it has no UTF-8, other characters than ASCII are spelt out. Names
    of classes and files may hold bytes that are no text: they are spelt out everywhere.

    Args:
      environment: of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            if stream.isatty() and not has_utf8(environment, coerced=bool(sys.flags.utf8_mode)):
                stream.reconfigure(encoding="ascii", errors="backslashreplace")
    out, err = Stream(sys.stdout, cleaned=True), Stream(sys.stderr, cleaned=False)
    sys.stdout, sys.stderr = out, err
    return out, err


def has_utf8(environment: Mapping[str, str], *, coerced: bool) -> bool:
    """Whether a terminal shows UTF-8, as the user's locale says.

    Args:
      environment: of the process.
      coerced: whether Python is in its UTF-8 mode. Where it found no locale it has switched to that
        and set LC_CTYPE itself: then the stream's encoding says nothing of the terminal.
    """
    ctype = environment.get("LC_CTYPE", "")
    if coerced and ctype == "C.UTF-8":
        ctype = ""
    said = environment.get("LC_ALL") or ctype or environment.get("LANG", "")
    return said.lower().replace("-", "").partition("@")[0].endswith("utf8")


def is_live(out: Stream, err: Stream, environment: Mapping[str, str]) -> bool:
    """Whether a table can be drawn: both streams are a terminal on which the cursor moves.

    Where one of them goes elsewhere, through `tee` say, its lines would break the table.
    """
    terminal = environment.get("TERM", "")
    return out.isatty() and err.isatty() and terminal not in _DUMB
