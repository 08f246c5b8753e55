"""metrics.jsonl: what a training has measured so far, one JSON object per line."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from synthmed_jax.files import write_text

# Name -> a number, several (one per noise level or average), or None: it was not measured.
Record = dict[str, Any]


def read_metrics(path: pathlib.Path) -> list[Record]:
    """Reads metrics.jsonl; a last line cut short by a kill is dropped."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


class MetricsLog:
    """Appends one JSON object per line to metrics.jsonl, flushed at once."""

    def __init__(self, path: pathlib.Path, *, resume_at: int = 0, counter: str = "step"):
        """Keeps the records with counter <= resume_at of an earlier, interrupted run."""
        kept = [record for record in read_metrics(path) if record[counter] <= resume_at]
        write_text(path, "".join(json.dumps(record) + "\n" for record in kept))
        self._path = path

    def write(self, **values: Any) -> None:
        """Appends one record."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, allow_nan=False) + "\n")
