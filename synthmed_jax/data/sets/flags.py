"""How a field is set on the command line, for messages that say what to do."""

import shlex
from collections.abc import Iterable

_LISTS = frozenset(("data.classes", "data.columns", "data.exclude", "data.parts"))


def flag(field: str, *values: str) -> str:
    """Returns "--config.<field>=<values with commas>", quoted as a shell needs it.

    In fields that are lists, a value that holds a comma is in quotes, as `settings.names` reads it.
    """
    listed = ",".join(map(_quoted, values) if field in _LISTS else values)
    return f"--config.{field}={shlex.quote(listed)}"


def _quoted(value: str) -> str:
    if "," not in value and not value.startswith('"'):
        return value
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


def some(items: Iterable[str], most: int = 3) -> str:
    """Returns the first items with commas, and how many more there are."""
    listed = list(items)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
