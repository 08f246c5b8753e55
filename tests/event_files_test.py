import struct
import subprocess
import sys

import pytest
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c

from synthmed_jax.event_files import EventFile
from synthmed_jax.metrics_log import MetricsLog


def events(folder) -> list[event_pb2.Event]:
    """All events of a folder's files, one file after the other, as TensorBoard reads them."""
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


def points(folder) -> list[tuple[int, str, float]]:
    """(step, tag, value) of all scalars; values as far as f32 holds them."""
    return [
        (event.step, value.tag, pytest.approx(value.simple_value))
        for event in events(folder)
        for value in event.summary.value
    ]


def test_the_numbers_of_a_training_are_its_points(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl", events=tmp_path / "events")
    log.write(step=1, loss=0.5, seconds=3)
    log.write(step=2, val_loss=0.25, val_losses=[0.25, 0.75], nearness=None, why="patience")
    assert points(tmp_path / "events") == [
        (1, "loss", 0.5),
        (1, "seconds", 3.0),
        (2, "val_loss", 0.25),
        (2, "val_losses/0", 0.25),
        (2, "val_losses/1", 0.75),
    ]


def test_a_training_that_goes_on_has_every_point_once(tmp_path):
    path, folder = tmp_path / "metrics.jsonl", tmp_path / "events"
    log = MetricsLog(path, counter="epoch", events=folder)
    for epoch in (1, 2, 3):
        log.write(epoch=epoch, loss=1.0 / epoch)
    (first,) = folder.iterdir()
    with first.open("ab") as file:
        file.write(b"\x10\x00\x00")  # killed while writing
    # Its checkpoint is of epoch 2.
    log = MetricsLog(path, log.records[:2], counter="epoch", events=folder)
    log.write(epoch=3, loss=9.0)
    assert points(folder) == [(1, "loss", 1.0), (2, "loss", 0.5), (3, "loss", 9.0)]
    assert sorted(folder.iterdir())[0] == first  # an open TensorBoard goes on to the second ...
    assert len(list(folder.iterdir())) == 2
    version, begun = events(folder)[:2]
    assert version.file_version == "brain.Event:2"
    assert begun.session_log.status == event_pb2.SessionLog.START  # ... and drops what it had
    assert begun.step == 0


def test_a_record_without_its_counter_is_refused(tmp_path):
    with pytest.raises(KeyError, match="step"):
        EventFile(tmp_path, "step", [{"loss": 1.0}])


def test_no_event_files_where_none_are_wanted(tmp_path):
    MetricsLog(tmp_path / "metrics.jsonl").write(step=1)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_tensorflow_is_not_loaded(tmp_path):
    code = (
        "import pathlib, sys\n"
        "from synthmed_jax.event_files import EventFile\n"
        "assert 'tensorboardX' not in sys.modules\n"
        "EventFile(pathlib.Path(sys.argv[1]), 'step', [{'step': 1, 'loss': 2.0}])\n"
        "assert not {'tensorflow', 'torch', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
