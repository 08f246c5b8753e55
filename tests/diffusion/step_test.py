import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import parallel
from synthmed_jax.diffusion import process
from synthmed_jax.diffusion.step import init_state, make_step, make_step_of_rate


def take(settings, model, batch, steps=2, step=None):
    """State, losses and the last gradient's norm after some steps on one batch."""
    state, step, losses = (
        init_state(settings, model),
        step or make_step(settings, model),
        [],
    )
    for _ in range(steps):
        state, metrics = step(state, batch)
        losses.append(float(metrics["loss"]))
    return jax.tree.map(np.asarray, state), losses, float(metrics["gradient_norm"])


@pytest.mark.parametrize(("size", "parts"), [(4, 1), (5, 1), (5, 2)])
def test_two_devices_take_the_step_of_one(train_settings, model, images, size, parts):
    settings = dataclasses.replace(
        train_settings,
        batch_size=size,
        accumulate=parts,
        timesteps="stratified",
        label_dropout=0.5,
    )
    batch = {"image": images.images[:size], "label": images.labels[:size]}

    state_2, losses_2, norm_2 = take(settings, model, batch)
    with parallel.on(jax.local_devices()[1]):
        state_1, losses_1, norm_1 = take(settings, model, batch)
    np.testing.assert_allclose(losses_2, losses_1, rtol=1e-5)
    np.testing.assert_allclose(norm_2, norm_1, rtol=1e-4)
    # The first moments are the gradients themselves, to Adam's constants.
    for a, b in zip(
        jax.tree.leaves(state_2.opt_state), jax.tree.leaves(state_1.opt_state), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(np.abs(b).max(), 1e-3))


def test_gradients_added_up_in_parts_are_those_of_the_whole_batch(
    train_settings, model, images, shared_step
):
    batch = {"image": images.images[:4], "label": images.labels[:4]}
    settings = dataclasses.replace(train_settings, steps=40, accumulate=2)
    _, losses_1, norm_1 = take(settings, model, batch, step=shared_step)
    _, losses_2, norm_2 = take(settings, model, batch)
    np.testing.assert_allclose(losses_2, losses_1, rtol=1e-5)
    np.testing.assert_allclose(norm_2, norm_1, rtol=1e-4)


@pytest.mark.parametrize("weighting", process.WEIGHTINGS)
def test_the_loss_is_the_mean_of_the_examples_losses_times_their_steps_weights(
    train_settings, model, images, monkeypatch, weighting
):
    # Known steps and losses of the two examples that each of the two devices holds.
    steps, losses = [2, 17], [1.0, 3.0]
    monkeypatch.setattr(process, "draw_uniform_steps", lambda *_: jnp.array(steps))
    monkeypatch.setattr(process, "l_simple", lambda *_: jnp.array(losses))
    settings = dataclasses.replace(train_settings, weighting=weighting)
    batch = {"image": images.images[:4], "label": images.labels[:4]}
    _, (loss,), _ = take(settings, model, batch, steps=1)
    weights = process.loss_weights(model.schedule, weighting, model.prediction)
    assert loss == pytest.approx((weights[steps] * losses).mean(), rel=1e-5)


def test_runs_of_other_seeds_find_the_step_compiled(train_settings, model, images, shared_step):
    batch = {"image": images.images[:4], "label": images.labels[:4]}
    _, before = shared_step(init_state(train_settings, model), batch)
    other = make_step(dataclasses.replace(train_settings, steps=40, seed=7), model)
    missed: list[str] = []

    def note(event: str, **_: object) -> None:
        if event.endswith("cache_misses"):
            missed.append(event)

    state = init_state(train_settings, model)
    jax.monitoring.register_event_listener(note)
    try:
        _, after = other(state, batch)
    finally:
        jax.monitoring.unregister_event_listener(note)
    assert not missed
    # From the same weights: another seed draws other noise.
    assert float(after["loss"]) != float(before["loss"])


def test_one_compiled_step_serves_every_learning_rate(train_settings, model, images, monkeypatch):
    traced, loss = [], process.l_simple
    monkeypatch.setattr(process, "l_simple", lambda *a: (traced.append(a), loss(*a))[1])
    batch = {"image": images.images[:4], "label": images.labels[:4]}
    of_rate = make_step_of_rate(train_settings, model)
    taken = {rate: take(train_settings, model, batch, step=of_rate(rate)) for rate in (1e-2, 1e-4)}
    assert len(traced) == 1
    # make_step takes the rate from its settings.
    _, losses, _ = take(train_settings, model, batch)
    assert losses == taken[train_settings.learning_rate][1]
    moved = {
        rate: max(
            np.abs(a - b).max()
            for a, b in zip(
                jax.tree.leaves(state.params),
                jax.tree.leaves(init_state(train_settings, model).params),
                strict=True,
            )
        )
        for rate, (state, _, _) in taken.items()
    }
    # Adam's first steps have the length of the rate.
    assert moved[1e-2] == pytest.approx(100 * moved[1e-4], rel=0.01)
