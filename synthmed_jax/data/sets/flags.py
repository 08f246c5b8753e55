"""How a field is set on the command line, for messages that say what to do."""

import shlex
from collections.abc import Iterable


def flag(field: str, *values: str) -> str:
    """Returns "--config.<field>=<values with commas>", quoted as a shell needs it."""
    return f"--config.{field}={shlex.quote(','.join(values))}"


def some(items: Iterable[str], most: int = 3) -> str:
    """Returns the first items with commas, and how many more there are."""
    listed = list(items)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
