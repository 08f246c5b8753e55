"""The exceptions that speak to the user."""


class UserError(Exception):
    """Something that the user can mend: the message names the file or field, and what to do.

    `main.py` prints the message without a traceback and exits with status 2.
    """


class Diverged(UserError):
    """A training whose loss is no longer finite: of a search, one trial without hope."""
