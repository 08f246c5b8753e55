import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.metrics_log import MetricsLog
from synthmed_jax.report.training_logs import EpochRecord, StepRecord, read_epochs, read_steps


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_steps_are_read_with_what_each_line_has(path):
    log = MetricsLog(path)
    log.write(step=5, loss=0.7, images_per_second=150.0, seconds=0.2)
    log.write(
        step=10, val_loss=0.5, half_life=5, val_losses=[0.6, 0.5], val_loss_by_level=[0.9, 0.1],
        nearness=None,
    )  # fmt: skip
    assert read_steps(path) == (
        StepRecord(5, loss=0.7, images_per_second=150.0, seconds=0.2),
        StepRecord(10, val_loss=0.5, half_life=5, val_losses=(0.6, 0.5),
                   val_loss_by_level=(0.9, 0.1)),
    )  # fmt: skip


def test_epochs_are_read_without_what_the_report_does_not_show(path):
    log = MetricsLog(path)
    log.write(
        epoch=1, train_accuracy=0.2, train_loss=1.4, fold_loss=1.3, fold_accuracy=0.3,
        val_loss=1.3, val_accuracy=0.3, seconds=3.0,
    )  # fmt: skip
    assert read_epochs(path) == (EpochRecord(1, 1.4, 0.2, 1.3, 0.3),)


def test_a_line_without_a_field_is_refused(path):
    MetricsLog(path).write(epoch=1, train_loss=1.4)
    with pytest.raises(UserError, match=r"metrics\.jsonl can't be read: .*train_accuracy"):
        read_epochs(path)


def test_no_log_is_no_records(path):
    assert read_steps(path) == ()
