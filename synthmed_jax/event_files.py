"""Event files, in which TensorBoard shows what a training has measured; nothing here reads them.

They say again what metrics.jsonl says. A training that begins or goes on writes its file anew, with
the records that it goes on from, so that a kill neither loses nor doubles a point.
"""

from __future__ import annotations

import pathlib
import struct
import time
from collections.abc import Iterator, Mapping, Sequence

_START = "events.out.tfevents."  # by which TensorBoard knows them


class EventFile:
    """One training's file, which grows by one record at a time.

    Attributes:
      path: of the file.
    """

    def __init__(self, folder: pathlib.Path, counter: str, records: Sequence[Mapping[str, object]]):
        """Replaces what the folder has of an earlier run of this training.

        Args:
          folder: of this training alone.
          counter: the entry of a record that says when it was measured, as "step".
          records: of the interrupted run that goes on.
        """
        # Only where event files are wanted: it takes half a second.
        from tensorboardX.proto import event_pb2

        folder.mkdir(parents=True, exist_ok=True)
        # Emptied, not removed: a TensorBoard that is open would wait for that file for ever, and
        # goes on to the next one by name.
        for old in folder.glob(f"{_START}*"):
            old.write_bytes(b"")
        self.path = folder / f"{_START}{time.time_ns()}"
        self._counter = counter
        self._event = event_pb2.Event
        # What a TensorBoard that is open has read of the earlier file is dropped from step 0 on.
        begun = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        now = time.time()
        self._append(self._event(wall_time=now, file_version="brain.Event:2"))
        self._append(self._event(wall_time=now, step=0, session_log=begun))
        for record in records:
            self.write(record)

    def write(self, record: Mapping[str, object]) -> None:
        """Appends the numbers of one record; what was not measured (None) and words are no points.

        Raises:
          KeyError: the record does not say when it was measured.
        """
        event = self._event(wall_time=time.time(), step=int(str(record[self._counter])))
        for tag, value in _numbers(record):
            if tag != self._counter:
                event.summary.value.add(tag=tag, simple_value=value)
        self._append(event)

    def _append(self, event: object) -> None:
        from tensorboardX.record_writer import masked_crc32c

        data = event.SerializeToString()  # type: ignore[attr-defined]
        length = struct.pack("<Q", len(data))
        sums = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
        with self.path.open("ab") as file:  # at once: a kill cuts the last record at most
            file.write(b"".join((length, next(sums), data, next(sums))))


def _numbers(record: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """Yields name and value; of a list each value by itself, as val_losses/0."""
    for name, value in record.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield from _numbers({f"{name}/{i}": each for i, each in enumerate(value)})
        elif isinstance(value, int | float):
            yield name, float(value)
