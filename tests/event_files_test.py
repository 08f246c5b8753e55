import subprocess
import sys

import pytest
from tensorboardX.proto import event_pb2

from synthmed_jax.event_files import EventFile
from synthmed_jax.metrics_log import MetricsLog
from tests.event_reader import events, points, points_of


def test_the_numbers_of_a_training_are_its_points(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl", events=tmp_path / "events")
    log.write(step=1, loss=0.5, seconds=3)
    log.write(step=2, val_loss=0.25, val_losses=[0.25, 0.75], nearness=None, why="patience")
    assert points(tmp_path / "events") == points_of(log.records, "step")
    assert points(tmp_path / "events") == {
        (1, "loss", 0.5),
        (1, "seconds", 3.0),
        (2, "val_loss", 0.25),
        (2, "val_losses/0", 0.25),
        (2, "val_losses/1", 0.75),
    }


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
    assert points(folder) == {(1, "loss", 1.0), (2, "loss", 0.5), (3, "loss", 9.0)}
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
