import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import checkpoint, parallel, runlog
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion import train
from synthmed_jax.errors import UserError

NO_CHANGE = Augmentation("none", 0)


def test_ema_is_warmed_up():
    decays = [float(train.ema_decay_at(jnp.asarray(n), 0.999)) for n in (0, 10, 1000, 10**6)]
    np.testing.assert_allclose(decays, [0.1, 11 / 20, 1001 / 1010, 0.999], rtol=1e-6)


def test_grey_levels_span_minus_one_to_one():
    levels = train.to_model_range(np.array([0, 127.5, 255], np.float32))
    np.testing.assert_allclose(levels, [-1, 0, 1], atol=1e-6)


def test_two_devices_take_the_step_of_one(train_settings, network, schedule, images, monkeypatch):
    batch = {"image": images.images[:4], "label": images.labels[:4]}

    def two_steps():
        state = train.init_state(train_settings, network, (8, 8, 1))
        step = train.make_step(train_settings, network, schedule)
        losses = []
        for _ in range(2):
            state, metrics = step(state, batch)
            losses.append(float(metrics["loss"]))
        return jax.tree.map(np.asarray, state), losses, float(metrics["gradient_norm"])

    state_2, losses_2, norm_2 = two_steps()
    one = jax.local_devices()[:1]
    pmap = jax.pmap
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)
    monkeypatch.setattr(parallel.jax, "pmap", lambda f, **kw: pmap(f, devices=one, **kw))
    state_1, losses_1, norm_1 = two_steps()
    np.testing.assert_allclose(losses_2, losses_1, rtol=1e-5)
    np.testing.assert_allclose(norm_2, norm_1, rtol=1e-4)
    # The first moments are the gradients themselves, to Adam's constants.
    for a, b in zip(
        jax.tree.leaves(state_2.opt_state), jax.tree.leaves(state_1.opt_state), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(np.abs(b).max(), 1e-3))


def test_training_learns_and_writes_its_log(train_settings, network, schedule, images, tmp_path):
    settings = dataclasses.replace(train_settings, steps=40, log_every=10, val_every=20)
    train.train(settings, network, schedule, NO_CHANGE, images, images, tmp_path)
    records = runlog.read_metrics(tmp_path / "metrics.jsonl")
    losses = [r["loss"] for r in records if "loss" in r]
    val = [r["val_loss"] for r in records if "val_loss" in r]
    assert [r["step"] for r in records if "loss" in r] == [10, 20, 30, 40]
    assert losses[-1] < losses[0]
    assert val[-1] < val[0]


def test_killed_and_resumed_equals_unbroken(
    train_settings, network, schedule, images, tmp_path, monkeypatch
):
    arguments = (network, schedule, NO_CHANGE, images, images)
    unbroken = train.train(train_settings, *arguments, tmp_path / "a")
    always = dataclasses.replace(train_settings, save_minutes=0.0)
    save = checkpoint.save

    def save_then_die(directory, step, state, **options):
        save(directory, step, state, **options)
        if step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        train.train(always, *arguments, tmp_path / "b")
    monkeypatch.setattr(checkpoint, "save", save)
    resumed = train.train(train_settings, *arguments, tmp_path / "b")
    assert resumed == unbroken

    def numbers(folder):
        records = runlog.read_metrics(tmp_path / folder / "metrics.jsonl")
        return [{k: v for k, v in r.items() if "second" not in k} for r in records]

    assert numbers("a") == numbers("b")
    # A finished run trains no further step.
    assert train.train(train_settings, *arguments, tmp_path / "b") == unbroken


def test_a_loss_that_is_not_finite_stops_with_the_step(
    train_settings, network, schedule, images, tmp_path
):
    wild = dataclasses.replace(train_settings, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(UserError, match=r"at step \d.*learning_rate"):
        train.train(wild, network, schedule, NO_CHANGE, images, images, tmp_path)


def test_an_empty_val_is_allowed(train_settings, network, schedule, images, tmp_path):
    nothing = images.subset([])
    train.train(train_settings, network, schedule, NO_CHANGE, images, nothing, tmp_path)
    assert not any("val_loss" in r for r in runlog.read_metrics(tmp_path / "metrics.jsonl"))


def test_an_odd_batch_is_refused(train_settings, network, schedule, images, tmp_path):
    odd = dataclasses.replace(train_settings, batch_size=3)
    with pytest.raises(UserError, match=r"batch_size=3 .* 2 devices"):
        train.train(odd, network, schedule, NO_CHANGE, images, images, tmp_path)
