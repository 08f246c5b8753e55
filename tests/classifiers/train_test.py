import dataclasses
import itertools

import jax
import numpy as np
import pytest

from synthmed_jax import runlog
from synthmed_jax.classifiers import placement, train
from synthmed_jax.classifiers.programs import make_programs
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.errors import Diverged, UserError


def untimed(record):
    return {k: v for k, v in record.items() if k not in ("seconds", "images_per_second")}


def test_patience_ends_training_at_the_best_epoch(make_tiny, tiny_settings, images):
    # Labels that mean nothing: validation loss must turn up.
    shuffled = dataclasses.replace(
        images, labels=np.random.default_rng(1).permutation(images.labels)
    )
    settings = dataclasses.replace(tiny_settings, learning_rate=3e-2, max_epochs=30, min_steps=240)
    losses = []
    _, result = train_fold(
        make_programs(make_tiny(tiny_settings), settings),
        settings,
        0,
        shuffled.subset(np.arange(32)),
        {"fold": shuffled.subset(np.arange(32, 48))},
        "fold",
        "shuffled",
        report=lambda record: losses.append(record["val_loss"]),
    )
    assert result["stopped"] == "patience"
    assert result["epochs"] == result["best_epoch"] + 1 < 30
    # 32 images are 4 batches of 8: two passes an epoch make the 240 steps of 30 epochs.
    assert (result["passes_per_epoch"], result["steps"]) == (2, 8 * result["epochs"])
    assert result["val_loss"] == min(losses)


def test_a_training_is_the_same_wherever_its_images_are(
    programs, tiny_settings, images, monkeypatch
):
    settings = dataclasses.replace(tiny_settings, flips="dihedral", shift=2, max_epochs=2)

    def run():
        train_set, fold = images.subset(np.arange(32)), images.subset(np.arange(32, 48))
        return train_fold(
            programs, settings, 7, train_set, {"fold": fold, "all": images}, "fold", "here"
        )

    variables, result = run()
    monkeypatch.setattr(placement, "stay_on_devices", lambda size: True)
    monkeypatch.setattr(placement, "batches", None)  # none is sent
    kept_variables, kept_result = run()
    jax.tree.map(np.testing.assert_array_equal, kept_variables, variables)
    assert untimed(kept_result) == untimed(result)


def test_a_diverging_fold_stops_with_a_hint(make_tiny, tiny_settings, images):
    wild = dataclasses.replace(tiny_settings, learning_rate=1e30)
    with pytest.raises(Diverged, match="learning_rate, in a new --workdir"):
        train_fold(
            make_programs(make_tiny(wild), wild), wild, 0, images, {"fold": images}, "fold", "wild"
        )


class Killed(BaseException):
    """As a kill is: nothing of ours catches it."""


@pytest.mark.parametrize("saved", ["every epoch", "never"])
def test_a_training_killed_in_any_epoch_goes_on_to_the_same_end(
    programs, tiny_settings, images, tmp_path, monkeypatch, saved
):
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0 if saved == "every epoch" else 1e9)
    settings = dataclasses.replace(tiny_settings, flips="dihedral", shift=2, patience=4)

    def run(folder, report=lambda record: None):
        train_set, fold = images.subset(np.arange(32)), images.subset(np.arange(32, 48))
        return train_fold(
            programs, settings, 7, train_set, {"fold": fold, "all": images}, "fold", "here",
            folder=folder, report=report,
        )  # fmt: skip

    def killed_in(last):
        def report(record):
            seen.append(record["epoch"])
            if record["epoch"] == last:
                raise Killed

        return report

    def killed(*_):
        raise Killed

    variables, result = run(tmp_path / "whole")
    seen = []
    for last in (1, 3, 4):
        with pytest.raises(Killed):
            run(tmp_path / "broken", killed_in(last))
    with monkeypatch.context() as patch:
        patch.setattr(runlog, "write_json", killed)  # All epochs are over, nothing says so yet.
        with pytest.raises(Killed):
            run(tmp_path / "broken", killed_in(None))
    found, found_result = run(tmp_path / "broken", killed_in(None))
    # An epoch that was not saved is trained again, and no other.
    all_again = [1, 2, 3, 4]
    last_runs = ([3, 4], [4], []) if saved == "every epoch" else [all_again] * 3
    assert seen == [1, 1, 2, 3, *itertools.chain(*last_runs)]
    assert untimed(found_result) == untimed(result)
    jax.tree.map(np.testing.assert_array_equal, found, variables)
    written = [
        [untimed(record) for record in runlog.read_metrics(tmp_path / name / "metrics.jsonl")]
        for name in ("whole", "broken")
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 4
    # Only what a finished training needs is left.
    names = {"metrics.jsonl", "checkpoint", "result.json"}
    assert {path.name for path in (tmp_path / "broken").iterdir()} == names


def test_lost_records_are_not_passed_over(programs, tiny_settings, images, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_SECONDS", 0.0)

    def run(report=lambda record: None):
        train_fold(
            programs, tiny_settings, 7, images, {"fold": images}, "fold", "here",
            folder=tmp_path, report=report,
        )  # fmt: skip

    def report(record):
        if record["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        run(report)
    records = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(records.split("\n")[0] + "\n")
    with pytest.raises(UserError, match=r"lacks epochs .* delete resume"):
        run()
