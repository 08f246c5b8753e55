import numpy as np
import pytest

from synthmed_jax import search
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.results.search import SearchResult
from synthmed_jax.stages import base, split, tune, tune_classifier


@pytest.fixture
def trials(make_run, monkeypatch):
    """Runs `tune` with a loss that falls with the rate; returns what every trial was given."""

    def run(**changes):
        given = []

        def loss(programs, training, learned, real, report, augmentation):
            given.append((learned.files, real.files))
            return 1 / training.learning_rate

        monkeypatch.setattr(tune_classifier, "loss_on_real", loss)
        made = make_run(**changes)
        if not made.workdir.split.exists():
            split.STAGE.run(made)
        labels = np.repeat(np.arange(4, dtype=np.int32), 8)
        files = tuple(f"drawn{i}" for i in range(32))
        drawn = ImageSet(np.zeros((32, 16, 16, 1), np.uint8), labels, files, ())
        made.inputs.__dict__["synthetic"] = drawn
        tune.STAGE.run(made)
        return made, given

    return run


def found(run, arm):
    return SearchResult.read(run.workdir.tune / "classifier" / "resnet18" / arm / "search.json")


def test_every_arm_gets_the_same_trials_judged_on_val_alone(trials, capsys):
    run, given = trials(tune__trials=5)
    parts = run.inputs.parts
    assert {real for _, real in given} == {parts.val.files}
    learned = [files for files, _ in given]
    drawn = tuple(f"drawn{i}" for i in range(32))
    assert learned == [drawn] * 5 + [parts.fit.files] * 5
    results = {arm: found(run, arm) for arm in ("synthetic", "real")}
    for arm, result in results.items():
        assert (result.arm, result.judged_on, result.num_images) == (arm, "val", len(parts.val))
        assert len(result.trials) == 5
        assert result.best.loss == min(trial.loss for trial in result.trials)
        assert (run.workdir.tune / "classifier" / "resnet18" / arm / "best.py").exists()
    # The same settings are tried first, whatever an arm's losses are.
    assert results["synthetic"].trials == results["real"].trials
    said = capsys.readouterr().out
    assert "best settings of the arm real. Their loss" in said
    assert said.count("4 val images that they were chosen on: it is no test") == 2


def test_an_arm_that_was_searched_for_longer_is_told_of_as_many_trials_as_the_others(trials):
    trials(tune__trials=9, classifier__arms=("synthetic",))
    run, given = trials(tune__trials=6)
    assert len(given) == 6  # the other arm's
    assert [len(found(run, arm).trials) for arm in ("synthetic", "real")] == [6, 6]
    assert found(run, "synthetic").best == found(run, "real").best


def test_trials_of_other_settings_are_no_part_of_a_search(trials, make_run):
    """A search that was stopped is refused under others, and one that failed begins anew."""
    run, _ = trials(tune__trials=3)
    (run.workdir.tune / "classifier" / "resnet18" / "real" / "search.json").unlink()
    (run.workdir.tune / "classifier" / "resnet18" / "synthetic" / "search.json").unlink()
    base.mark(run, tune.STAGE, "started")
    other = make_run(tune__trials=3, classifier__steps=12)
    with pytest.raises(UserError, match=r"classifier\.steps = \d+, now it is 12"):
        base.check_marker(other, tune.STAGE)
    base.mark(run, tune.STAGE, "failed")
    base.check_marker(other, tune.STAGE)
    base.mark(other, tune.STAGE, "started")
    assert search.count_finished(run.workdir.tune / "classifier" / "resnet18" / "real") == 0


def test_arms_are_units_of_the_stage(make_run):
    assert tune.STAGE.units(make_run(tune__trials=7)) == (
        "classifier/resnet18/synthetic 7",
        "classifier/resnet18/real 7",
    )
    assert tune.STAGE.units(make_run(tune__target="diffusion")) == ("diffusion 3",)


@pytest.mark.parametrize("target", ["classifier", "diffusion"])
def test_without_val_nothing_can_be_judged(make_run, target):
    with pytest.raises(UserError, match=r"judges its trials on val.* and val is empty"):
        tune.STAGE.check(make_run(tune__target=target, split__val_fraction=0.0))
