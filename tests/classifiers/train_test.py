import dataclasses
import itertools
import shutil

import jax
import numpy as np
import pytest

from synthmed_jax import checkpoint
from synthmed_jax.classifiers import placement, train
from synthmed_jax.classifiers.programs import make_programs
from synthmed_jax.classifiers.train import Training, train_alone
from synthmed_jax.errors import Diverged
from synthmed_jax.metrics_log import read_metrics
from synthmed_jax.results.cells import FoldResult, InitialWeights
from tests.event_reader import points, points_of


def untimed(result):
    return dataclasses.replace(result, seconds=0.0, images_per_second=0.0, log="")


@pytest.fixture
def shuffled(images):
    """Labels that mean nothing: the loss on others must turn up."""
    labels = np.random.default_rng(1).permutation(images.labels)
    return dataclasses.replace(images, labels=labels)


def test_patience_ends_training_at_the_best_epoch(make_tiny, tiny_settings, shuffled):
    settings = dataclasses.replace(tiny_settings, learning_rate=3e-2, max_epochs=30, min_steps=240)
    losses = []
    _, result = train_alone(
        Training(
            make_programs(make_tiny(tiny_settings), settings),
            settings,
            0,
            shuffled.subset(np.arange(32)),
            {"fold": shuffled.subset(np.arange(32, 48))},
            "fold",
            "shuffled",
            report=lambda record: losses.append(record["val_loss"]),
        )
    )
    assert result.stopped == "patience"
    assert result.epochs == result.best_epoch + 1 < 30
    # 32 images are 4 batches of 8: two passes per epoch make the 240 steps of 30 epochs.
    assert (result.passes_per_epoch, result.steps) == (2, 8 * result.epochs)
    assert result.val_loss == min(losses)
    assert result.initial == InitialWeights("random")


def test_a_training_is_the_same_wherever_its_images_are(
    programs, tiny_settings, images, monkeypatch
):
    settings = dataclasses.replace(tiny_settings, flips="dihedral", shift=2, max_epochs=2)

    def run():
        train_set, fold = images.subset(np.arange(32)), images.subset(np.arange(32, 48))
        sets = {"fold": fold, "all": images}
        return train_alone(Training(programs, settings, 7, train_set, sets, "fold", "here"))

    variables, result = run()
    monkeypatch.setattr(placement, "stay_on_devices", lambda size: True)
    monkeypatch.setattr(placement, "batches", None)  # none is sent
    kept_variables, kept_result = run()
    jax.tree.map(np.testing.assert_array_equal, kept_variables, variables)
    assert untimed(kept_result) == untimed(result)


def test_a_diverging_fold_stops_with_a_hint(make_tiny, tiny_settings, images):
    wild = dataclasses.replace(tiny_settings, learning_rate=1e30)
    programs = make_programs(make_tiny(wild), wild)
    with pytest.raises(Diverged, match="learning_rate, and give the same command again"):
        train_alone(Training(programs, wild, 0, images, {"fold": images}, "fold", "wild"))


class Killed(BaseException):
    """As a kill is: nothing of ours catches it."""


def killed(*_, **__):
    raise Killed


@pytest.fixture
def run_in(programs, tiny_settings, images):
    """Trains in a folder: (folder, report) -> (variables, result)."""
    # Every fourth label is wrong: the best epoch is neither the first nor the last.
    wrong = np.arange(len(images)) % 4 == 0
    doubtful = dataclasses.replace(images, labels=images.labels ^ wrong)
    settings = dataclasses.replace(tiny_settings, flips="dihedral", shift=2, patience=4)

    def run(folder, report=lambda record: None):
        train_set, fold = doubtful.subset(np.arange(32)), doubtful.subset(np.arange(32, 48))
        training = Training(
            programs, settings, 2, train_set, {"fold": fold, "all": doubtful}, "fold", "here",
            folder=folder, report=report, events=folder.with_name(f"{folder.name}_events"),
        )  # fmt: skip
        return train_alone(training)

    return run


def records_in(folder):
    records = read_metrics(folder / "metrics.jsonl")
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


@pytest.mark.parametrize("saved", ["every epoch", "never"])
def test_a_training_killed_anywhere_goes_on_to_the_same_end(run_in, tmp_path, monkeypatch, saved):
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0 if saved == "every epoch" else 1e9)
    broken = tmp_path / "broken"
    seen = []

    def report(last):
        def own(record):
            seen.append(record["epoch"])
            if record["epoch"] == last:
                raise Killed

        return own

    def broken_off(module, name, instead):
        """Killed where a function is called for the last time."""
        with monkeypatch.context() as patch:
            patch.setattr(module, name, instead)
            with pytest.raises(Killed):
                run_in(broken, report(None))

    variables, result = run_in(tmp_path / "whole")
    assert 1 < result.best_epoch < result.epochs == 4
    for last in (1, 3):
        with pytest.raises(Killed):
            run_in(broken, report(last))
    save, remove = checkpoint.save, shutil.rmtree
    if saved == "every epoch":
        # The third epoch's record is written, its checkpoint is not; then the other way round.
        broken_off(checkpoint, "save", killed)
        assert len(records_in(broken)) == 3
        broken_off(checkpoint, "save", lambda *a, **k: (save(*a, **k), killed()))
    broken_off(FoldResult, "write", killed)  # Training has ended, but there is no result yet.
    if saved == "every epoch":
        # The result is there, and what the training went on from is to go.
        def killed_in_it(path, **options):
            if path == broken / "ended" and path.exists():
                raise Killed
            remove(path, **options)

        broken_off(shutil, "rmtree", killed_in_it)
    resumed, resumed_result = run_in(broken, report(None))
    # An epoch that was not saved is trained again, and no other (of a training that has a result,
    # all: nobody asks for that).
    whole = [1, 2, 3, 4]
    last_runs = ([3], [3], [4], [], whole) if saved == "every epoch" else (whole, whole)
    assert seen == [1, 1, 2, 3, *itertools.chain(*last_runs)]
    assert untimed(resumed_result) == untimed(result) == untimed(FoldResult.read_fold(broken))
    jax.tree.map(np.testing.assert_array_equal, resumed, variables)
    assert records_in(broken) == records_in(tmp_path / "whole")
    logged = read_metrics(broken / "metrics.jsonl")
    assert points(tmp_path / "broken_events") == points_of(logged, "epoch")
    # Only what a finished training needs is left.
    names = {"metrics.jsonl", "checkpoint", "result.json"}
    assert {path.name for path in broken.iterdir()} == names


def test_the_best_weights_of_an_earlier_end_are_not_kept(run_in, tmp_path):
    checkpoint.save(tmp_path / "checkpoint", 9, {"of": np.zeros(1)})
    variables, result = run_in(tmp_path)
    assert checkpoint.latest_step(tmp_path / "checkpoint") == result.best_epoch
    found = checkpoint.restore(tmp_path / "checkpoint", variables).state
    jax.tree.map(np.testing.assert_array_equal, found, variables)


def test_other_batches_are_another_training(run_in, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0)
    epochs = []

    def report(record):
        epochs.append(record["epoch"])
        if len(epochs) == 3:
            raise Killed

    with pytest.raises(Killed):
        run_in(tmp_path, report)
    # As earlier versions had it on three devices.
    monkeypatch.setattr(train, "batch_of", lambda settings, num_train: 6)
    run_in(tmp_path, report)
    assert epochs == [1, 2, 3, 1, 2, 3, 4]


def test_a_log_that_was_lost_comes_back_from_the_checkpoint(run_in, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0)
    _, whole = run_in(tmp_path / "whole")
    with pytest.raises(Killed):
        run_in(tmp_path / "broken", lambda record: record["epoch"] == 3 and killed())
    (tmp_path / "broken" / "metrics.jsonl").write_text("")
    _, result = run_in(tmp_path / "broken")
    assert untimed(result) == untimed(whole)
    assert records_in(tmp_path / "broken") == records_in(tmp_path / "whole")
