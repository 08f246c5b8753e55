"""The folder of prepared images: where it can't be written, what is in it can still be read.

Many people may share one folder that only one of them fills.
"""

import tempfile
from pathlib import Path

from synthmed_jax.errors import UserError

PREPARED = "prepared"
"""The folder in it that holds the prepared copies."""


def why_not_writable(cache: Path) -> str:
    """Makes the folder and tries to write a file there; returns why that fails, "" if it works."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return ""
    except OSError as error:
        return str(error.strerror)


def check_writable(cache: Path, missing: str) -> None:
    """Raises UserError if the folder can't be written.

    Args:
      missing: what is to be written, for the message.
    """
    reason = why_not_writable(cache)
    if reason:
        raise UserError(
            f"{cache}, where prepared images are kept, can't be written ({reason}), and {missing}: "
            "set --config.data.cache_dir=<folder>"
        )
