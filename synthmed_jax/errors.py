"""The exceptions whose messages are written for the user."""

import pathlib


class UserError(Exception):
    """Something that the user can mend: the message names the file or field, and what to do.

    `main.py` prints the message without a traceback and exits with status 2.
    """


class Damaged(UserError):
    """A file is gone, or is not what was written: it has to be made again.

    Attributes:
      path: of the file, or of the folder that is of no use without it.
    """

    def __init__(self, path: pathlib.Path, why: str):
        super().__init__(f"{path} {why}")
        self.path = path


class Unworkable(UserError):
    """A stage's settings can't work, here at least: it may be run with others."""


class Diverged(Unworkable):
    """The loss of a training is no longer finite; in a search this ends only that trial."""


class OutOfMemory(Unworkable):
    """There is less memory than the settings ask for."""
