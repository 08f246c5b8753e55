"""The exceptions whose messages are written for the user."""


class UserError(Exception):
    """Something that the user can mend: the message names the file or field, and what to do.

    `main.py` prints the message without a traceback and exits with status 2.
    """


class Diverged(UserError):
    """The loss of a training is no longer finite; in a search this ends only that trial."""
