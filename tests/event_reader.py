"""Event files read as TensorBoard reads them, sums checked, without TensorBoard."""

import pathlib
import struct

import numpy as np
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c

Points = set[tuple[int, str, float]]


def events(folder: pathlib.Path) -> list[event_pb2.Event]:
    """All events of a folder's files, one file after the other."""
    assert all("tfevents" in path.name for path in folder.iterdir())
    rest, found = b"".join(path.read_bytes() for path in sorted(folder.iterdir())), []
    while rest:
        (length,) = struct.unpack("<Q", rest[:8])
        data = rest[12 : 12 + length]
        for part, start in ((rest[:8], 8), (data, 12 + length)):
            assert struct.unpack("<I", rest[start : start + 4])[0] == masked_crc32c(part)
        found.append(event_pb2.Event.FromString(data))
        rest = rest[16 + length :]
    return found


def points(folder: pathlib.Path) -> Points:
    """(step, tag, value) of all numbers, each there once."""
    listed = [
        (event.step, value.tag, value.simple_value)
        for event in events(folder)
        for value in event.summary.value
    ]
    assert len({point[:2] for point in listed}) == len(listed)
    return set(listed)


def points_of(records: list[dict], counter: str) -> Points:
    """The points that the records of a metrics.jsonl are, in the precision of event files."""
    found = set()
    for record in records:
        for name, value in record.items():
            values = value if isinstance(value, list) else [value]
            tags = [f"{name}/{i}" for i in range(len(values))] if values is value else [name]
            if name != counter:
                found |= {
                    (record[counter], tag, float(np.float32(each)))
                    for tag, each in zip(tags, values, strict=True)
                    if isinstance(each, int | float)
                }
    return found
