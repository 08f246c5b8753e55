import dataclasses

import jax
import numpy as np
import pytest

from synthmed_jax import checkpoint, parallel, stopping
from synthmed_jax.classifiers import side_by_side, train
from synthmed_jax.classifiers.programs import make_programs
from synthmed_jax.classifiers.train import Training, train_alone
from synthmed_jax.errors import Diverged
from synthmed_jax.results.cells import FoldResult


@pytest.fixture
def make_training(programs, tiny_settings, images, tmp_path):
    """Makes a training of a seed, whose folder is named after it."""
    settings = dataclasses.replace(tiny_settings, flips="dihedral", shift=1, max_epochs=3)

    def make(seed, **changes):
        training = Training(
            programs, settings, seed, images.subset(np.arange(32)),
            {"fold": images.subset(np.arange(32, 48))}, "fold", f"seed {seed}",
            folder=tmp_path / str(seed),
        )  # fmt: skip
        return dataclasses.replace(training, **changes)

    return make


@pytest.fixture
def places(monkeypatch):
    """On how many devices each training begins, by its seed."""
    seen = {}
    step_by_step = train.step_by_step

    def noted(training):
        seen[training.seed] = len(parallel.devices())
        return (yield from step_by_step(training))

    for module in (train, side_by_side):
        monkeypatch.setattr(module, "step_by_step", noted)
    return seen


def test_trainings_beside_each_other_are_those_alone(make_training, places, tmp_path):
    with parallel.on(jax.local_devices()[0]):
        variables, alone = train_alone(make_training(5, folder=None))
    _, spread = train_alone(make_training(5, folder=None))
    places.clear()
    side_by_side.train_all(make_training(seed) for seed in (4, 5, 6))
    assert places == {4: 1, 5: 1, 6: 1}
    results = {seed: FoldResult.read_fold(tmp_path / str(seed)) for seed in (4, 5, 6)}
    beside = checkpoint.restore(tmp_path / "5" / "checkpoint", variables).state
    jax.tree.map(np.testing.assert_array_equal, beside, variables)
    assert (results[5].val_loss, results[5].steps) == (alone.val_loss, alone.steps)
    # Over two devices, to rounding that three epochs have made larger.
    assert results[5].val_loss == pytest.approx(spread.val_loss, abs=0.05)
    # Seeds differ, and none has taken another's place.
    assert len({each.weights for each in results.values()}) == 3


def test_too_few_for_the_devices_are_spread_over_them(make_training, places, monkeypatch):
    monkeypatch.setattr(side_by_side.parallel, "is_cpu", lambda: False)
    side_by_side.train_all(make_training(seed) for seed in range(3))
    assert places == {0: 1, 1: 1, 2: 2}


def test_where_one_diverges_the_other_comes_to_its_end(make_training, make_tiny, tmp_path):
    wild = dataclasses.replace(make_training(0).settings, learning_rate=1e30)
    programs = make_programs(make_tiny(wild), wild)
    pair = [make_training(0, settings=wild, programs=programs), make_training(1)]
    with pytest.raises(Diverged, match="seed 0: the loss is no longer finite"):
        side_by_side.train_all(pair)
    assert (tmp_path / "1" / "result.json").exists()
    assert not (tmp_path / "0" / "result.json").exists()


def test_asked_to_end_all_save_and_go_on_to_the_same_end(make_training, tmp_path, monkeypatch):
    side_by_side.train_all([make_training(0), make_training(1)])
    whole = [FoldResult.read_fold(tmp_path / str(seed)).weights for seed in (0, 1)]
    pair = [make_training(seed, folder=tmp_path / f"again{seed}") for seed in (0, 1)]

    def ask(record):
        monkeypatch.setattr(stopping._request, "number", 2)

    # The first asks at the end of its first epoch; the second is in its own then.
    with pytest.raises(stopping.Stopped):
        side_by_side.train_all([dataclasses.replace(pair[0], report=ask), pair[1]])
    assert [checkpoint.latest_step(each.folder / "resume") for each in pair] == [1, 1]
    monkeypatch.setattr(stopping._request, "number", None)
    side_by_side.train_all(pair)
    assert [FoldResult.read_fold(each.folder).weights for each in pair] == whole


def test_a_training_is_taken_when_its_turn_comes(make_training, tmp_path):
    taken = []

    def waiting():
        for seed in range(4):
            taken.append((seed, sum(1 for _ in tmp_path.glob("*/result.json"))))
            yield make_training(seed)

    side_by_side.train_all(waiting())
    assert taken == [(0, 0), (1, 0), (2, 2), (3, 2)]
