import dataclasses

import jax
import numpy as np
import pytest

from synthmed_jax import checkpoint
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion import train, validate
from synthmed_jax.diffusion.step import init_state, make_step
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.metrics_log import read_metrics
from synthmed_jax.results.generator import GeneratorEnd
from tests.diffusion.conftest import killed_as_saved
from tests.event_reader import points, points_of

NO_CHANGE = Augmentation("none", 0)


@pytest.fixture(scope="module")
def measure(model, images):
    """Validation on the training images themselves, with a nearness that never falls."""
    loss = validate.make_val_loss(model, images, 4, seed=2)
    return train.Validate(loss, lambda params: 1.0)


@pytest.fixture(scope="module")
def learn(shared_step, model, images):
    def run(settings, directory, validation=None, step=shared_step):
        return train.train(
            settings, step, model, NO_CHANGE, images, validation, directory,
            events=directory / "events",
        )  # fmt: skip

    return run


def test_training_learns_and_writes_its_log(train_settings, learn, model, measure, tmp_path):
    settings = dataclasses.replace(train_settings, steps=40, log_every=10, val_every=20)
    end = learn(settings, tmp_path, measure)
    records = read_metrics(tmp_path / "metrics.jsonl")
    losses = [r["loss"] for r in records if "loss" in r]
    validations = [r for r in records if "val_loss" in r]
    assert [r["step"] for r in records if "loss" in r] == [10, 20, 30, 40]
    assert losses[-1] < losses[0]
    assert validations[-1]["val_loss"] < validations[0]["val_loss"]
    for record in validations:
        assert record["val_loss"] == min(record["val_losses"])
        np.testing.assert_allclose(np.mean(record["val_loss_by_level"]), record["val_loss"])
        assert len(record["val_loss_by_level"]) == validate.NOISE_LEVELS
    assert GeneratorEnd.read(tmp_path / "best.json") == end
    assert end.val_loss == min(record["val_loss"] for record in validations)
    assert end.why == "all 40 steps were taken"
    weights, sha256 = train.load_best(settings, model, tmp_path)
    assert checkpoint.digest(weights) == sha256 == end.sha256
    np.testing.assert_allclose(measure.loss(weights).mean(), end.val_loss, rtol=1e-5)


def test_the_best_weights_are_kept_and_the_stop_explained(train_settings, learn, tmp_path):
    losses = iter([3, 3, 2, 2, 1, 1, 5, 5, 6, 6, 7, 7, 8, 8])
    nearness = iter([1.5, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9])
    scripted = train.Validate(
        lambda params: np.full(8, float(next(losses))), lambda params: next(nearness)
    )
    settings = dataclasses.replace(train_settings, steps=20, val_every=2, patience=2)
    end = learn(settings, tmp_path, scripted)
    assert (end.step, end.ended_at, end.val_loss, end.nearness) == (6, 10, 1, 1.3)
    assert "no proof of copying" in end.why
    assert checkpoint.latest_step(tmp_path / "best") == 6
    # Asked again, it says the same and trains no further.
    assert learn(settings, tmp_path) == end


def test_killed_and_resumed_equals_unbroken(train_settings, learn, measure, tmp_path):
    unbroken = learn(train_settings, tmp_path / "a", measure)
    always = dataclasses.replace(train_settings, save_minutes=0.0)
    with killed_as_saved("checkpoints", 4, "after"), pytest.raises(KeyboardInterrupt):
        learn(always, tmp_path / "b", measure)
    resumed = learn(train_settings, tmp_path / "b", measure)
    assert resumed == unbroken

    def numbers(folder):
        records = read_metrics(tmp_path / folder / "metrics.jsonl")
        return [{k: v for k, v in r.items() if "second" not in k} for r in records]

    assert numbers("a") == numbers("b")
    for folder in (tmp_path / "a", tmp_path / "b"):
        records = read_metrics(folder / "metrics.jsonl")
        assert points(folder / "events") == points_of(records, "step")


@pytest.mark.parametrize("place", ["best", "checkpoints"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_as_the_best_is_saved_leaves_a_run_that_goes_on(
    train_settings, learn, model, tmp_path, place, when
):
    def scripted(*losses):
        left = iter(np.repeat(losses, 2))
        return train.Validate(lambda params: np.full(8, float(next(left))), lambda params: 1.0)

    settings = dataclasses.replace(train_settings, steps=8, val_every=2, save_minutes=0.0)
    with killed_as_saved(place, 4, when), pytest.raises(KeyboardInterrupt):
        learn(settings, tmp_path, scripted(3, 2))
    known = checkpoint.latest_step(tmp_path / "checkpoints")
    # Rounding, on another number of devices, may judge the same step otherwise.
    end = learn(settings, tmp_path, scripted(*[9] * (4 - known // 2)))
    assert end.step == known // 2 * 2
    weights, sha256 = train.load_best(settings, model, tmp_path)
    assert checkpoint.digest(weights) == sha256


def test_a_loss_that_is_not_finite_stops_with_its_step_and_keeps_the_last_good_weights(
    train_settings, learn, model, tmp_path
):
    wild = dataclasses.replace(
        train_settings, steps=40, learning_rate=1e30, warmup_steps=0, log_every=7, save_minutes=0.0
    )
    with pytest.raises(Diverged, match=r"at step (\d+).*rate, and give the same") as error:
        learn(wild, tmp_path, step=make_step(wild, model))
    bad = int(str(error.value).split("at step ")[1].split(":")[0])
    assert 1 < bad < 7
    kept = checkpoint.latest_step(tmp_path / "checkpoints")
    assert kept is not None
    assert kept < bad
    state = checkpoint.restore(tmp_path / "checkpoints", init_state(wild, model)).state
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.opt_state))


def test_without_val_the_last_average_is_the_best(train_settings, learn, model, tmp_path):
    end = learn(train_settings, tmp_path)
    assert not any("val_loss" in r for r in read_metrics(tmp_path / "metrics.jsonl"))
    state = checkpoint.restore(tmp_path / "checkpoints", init_state(train_settings, model)).state
    _, sha256 = train.load_best(train_settings, model, tmp_path)
    assert sha256 == checkpoint.digest(state.averages[0])
    assert end == GeneratorEnd(
        step=6,
        half_life=3,
        val_loss=None,
        nearness=None,
        ended_at=6,
        why="all 6 steps were taken",
        sha256=sha256,
    )


def test_warps_are_told_to_the_network(train_settings, model, images, tmp_path):
    told = dataclasses.replace(model, unet=model.unet.clone(warp_numbers=5))
    step = make_step(train_settings, told)
    warped = Augmentation("none", 0, 0.5)
    train.train(train_settings, step, told, warped, images, None, tmp_path)
    weights, _ = train.load_best(train_settings, told, tmp_path)
    # Zeros would have no gradient: the numbers reached their weights.
    fresh = init_state(train_settings, told).params
    changed = jax.tree.map(lambda a, b: bool(np.any(a != b)), weights["Dense_2"], fresh["Dense_2"])
    assert changed == {"kernel": True}


def test_devices_and_parts_without_an_image_are_refused(train_settings, learn, tmp_path):
    few = dataclasses.replace(train_settings, batch_size=1)
    with pytest.raises(UserError, match=r"batch_size=1 .* 2 devices"):
        learn(few, tmp_path)
    uneven = dataclasses.replace(train_settings, accumulate=3)
    with pytest.raises(UserError, match="accumulate=3"):
        learn(uneven, tmp_path)
