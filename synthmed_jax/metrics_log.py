"""metrics.jsonl: what a training has measured so far, one JSON object per line."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from synthmed_jax.errors import Damaged
from synthmed_jax.event_files import EventFile
from synthmed_jax.files import check_writer, write_text

# Name -> a number, several (one per noise level or average), or None: it was not measured.
Record = dict[str, Any]


def read_metrics(path: pathlib.Path) -> list[Record]:
    """Reads metrics.jsonl; a last line cut short by a kill is dropped.

    Raises:
      Damaged: another line is no JSON object.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        records = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise Damaged(path, f"is damaged: a line is no JSON ({error})") from error
    if not all(isinstance(record, dict) for record in records):
        raise Damaged(path, "is damaged: a line is no JSON object")
    return records


def records_until(path: pathlib.Path, counter: str, last: int) -> list[Record]:
    """Reads the records whose `counter` is at most `last`, or that have none.

    Raises:
      Damaged: a line is no JSON object, or its counter no number.
    """
    records = read_metrics(path)
    for record in records:
        if not isinstance(record.get(counter, last), int | float):
            raise Damaged(path, f"is damaged: its {counter} {record[counter]!r} is no number")
    return [record for record in records if record.get(counter, last) <= last]


class MetricsLog:
    """Appends one JSON object per line to metrics.jsonl, flushed at once; and to event files.

    Attributes:
      records: all that the file holds. They belong into a checkpoint's notes: a training that goes
        on takes them from there, and not from the file.
    """

    def __init__(
        self,
        path: pathlib.Path,
        records: Sequence[Record] = (),
        *,
        counter: str = "step",
        events: pathlib.Path | None = None,
    ):
        """Writes the files anew, with the records of an interrupted run that goes on.

        Args:
          path: of metrics.jsonl.
          records: of that run.
          counter: the entry of every record that says when it was measured.
          events: folder of this training's event files; None: there are none.
        """
        self.records = list(records)
        write_text(path, "".join(_line(record) for record in records))
        self._path = path
        self._events = None if events is None else EventFile(events, counter, self.records)

    def write(self, **values: Any) -> None:
        """Appends one record."""
        line = _line(values)
        self.records.append(values)
        check_writer(self._path)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        if self._events is not None:
            self._events.write(values)


def _line(record: Record) -> str:
    return json.dumps(record, allow_nan=False) + "\n"
