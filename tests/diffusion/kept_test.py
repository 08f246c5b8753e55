import dataclasses

import numpy as np
import pytest

from synthmed_jax import checkpoint
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion import kept, train
from synthmed_jax.diffusion.step import init_state
from synthmed_jax.errors import Damaged, UserError
from tests.diffusion.conftest import killed_as_saved

WEIGHTS = {"layer": np.arange(6, dtype=np.float32)}


def test_weights_come_back_with_their_loss(tmp_path):
    kept.save(tmp_path, 3, WEIGHTS, 0.5)
    kept.save(tmp_path, 6, {"layer": WEIGHTS["layer"] + 1}, None)
    assert kept.steps(tmp_path) == [3, 6]
    weights, loss = kept.load(tmp_path, WEIGHTS, 3)
    np.testing.assert_array_equal(weights["layer"], WEIGHTS["layer"])
    assert loss == 0.5
    assert kept.load(tmp_path, WEIGHTS, 6)[1] is None


def test_those_of_a_training_that_went_back_go(tmp_path):
    for step in (3, 6, 9):
        kept.save(tmp_path, step, WEIGHTS, 0.5)
    kept.save(tmp_path, 6, WEIGHTS, 0.25)
    assert kept.steps(tmp_path) == [3, 6]
    assert kept.load(tmp_path, WEIGHTS, 6)[1] == 0.25


def test_what_is_gone_is_named(tmp_path):
    assert kept.steps(tmp_path) == []
    with pytest.raises(Damaged, match="kept/3"):
        kept.load(tmp_path, WEIGHTS, 3)


@pytest.fixture
def learn(shared_step, model, images):
    def run(settings, directory, losses):
        left = iter(np.repeat(losses, 2))
        validate = train.Validate(lambda _: np.full(8, float(next(left))), lambda _: 1.0)
        no_change = Augmentation("none", 0)
        return train.train(settings, shared_step, model, no_change, images, validate, directory)

    return run


def test_a_training_keeps_what_it_validated_and_ends_as_one_that_keeps_nothing(
    train_settings, learn, model, tmp_path
):
    settings = dataclasses.replace(train_settings, steps=8, val_every=2, keep_every=4)
    without = dataclasses.replace(settings, keep_every=0)
    losses = (4, 3, 5, 6)
    assert learn(settings, tmp_path / "a", losses) == learn(without, tmp_path / "b", losses)
    assert kept.steps(tmp_path / "a") == [4, 8]
    assert kept.steps(tmp_path / "b") == []
    weights, loss = train.load_kept(settings, model, tmp_path / "a", 4)
    best, _ = train.load_best(settings, model, tmp_path / "a")
    assert loss == 3
    assert checkpoint.digest(weights) == checkpoint.digest(best)
    assert train.load_kept(settings, model, tmp_path / "a", 8)[1] == 6


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_as_weights_are_kept_loses_none(train_settings, learn, model, tmp_path, when):
    settings = dataclasses.replace(
        train_settings, steps=8, val_every=2, keep_every=4, save_minutes=0.0
    )
    with killed_as_saved(kept.FOLDER, 4, when), pytest.raises(KeyboardInterrupt):
        learn(settings, tmp_path, (4, 3))
    learn(settings, tmp_path, (5, 6))
    assert kept.steps(tmp_path) == [4, 8]
    weights, loss = train.load_kept(settings, model, tmp_path, 4)
    assert loss == 3
    assert checkpoint.digest(weights) != checkpoint.digest(
        train.load_kept(settings, model, tmp_path, 8)[0]
    )


def test_without_val_the_first_average_is_kept(
    train_settings, shared_step, model, images, tmp_path
):
    settings = dataclasses.replace(train_settings, keep_every=3)
    train.train(settings, shared_step, model, Augmentation("none", 0), images, None, tmp_path)
    state = checkpoint.restore(tmp_path / "checkpoints", init_state(settings, model)).state
    weights, loss = train.load_kept(settings, model, tmp_path, 6)
    assert loss is None
    assert checkpoint.digest(weights) == checkpoint.digest(state.averages[0])


def test_steps_between_validations_are_refused(train_settings):
    with pytest.raises(UserError, match=r"keep_every=4 must be a multiple of .*val_every=3"):
        dataclasses.replace(train_settings, keep_every=4)
