"""The compiled training step of the diffusion model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from synthmed_jax import parallel
from synthmed_jax.diffusion import ema, process
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.settings import TrainSettings
from synthmed_jax.diffusion.unet import Params, UNet, apply
from synthmed_jax.parallel import Tree


class State(NamedTuple):
    """Everything that a resumed run needs; the order of the images follows from `step`.

    Attributes:
      step: i32[], optimiser steps taken.
      params: the weights.
      averages: their moving averages, one for each of `ema_half_lives`.
      opt_state: the optimiser's state: Adam's moments and count.
    """

    step: jax.Array
    params: Params
    averages: tuple[Params, ...]
    opt_state: Tree


# (state, batch) -> (next state, {"loss": f32[], "gradient_norm": f32[]}); the batch is that
# of `data.pipeline.batches`.
Step = Callable[[State, dict[str, np.ndarray]], tuple[State, dict[str, jax.Array]]]


def make_optimizer(
    settings: TrainSettings, learning_rate: float | jax.Array
) -> optax.GradientTransformation:
    """Adam with a clipped gradient; its rate rises linearly to `learning_rate`, then falls to 0.

    Args:
      settings: `warmup_steps` of the rise, `steps` in all; the fall is a cosine.
      learning_rate: the peak; f32[] where one program serves several rates.
    """
    share = optax.warmup_cosine_decay_schedule(0.0, 1.0, settings.warmup_steps, settings.steps)
    adam = optax.adam(lambda count: learning_rate * share(count))
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), adam)


def init_state(settings: TrainSettings, model: Model) -> State:
    """The state before the first step: fresh weights of the settings' seed."""
    params = _fresh_weights(model.unet, model.image_shape, jax.random.key(settings.seed))
    averages = tuple(jax.tree.map(jnp.copy, params) for _ in settings.ema_half_lives)
    opt_state = make_optimizer(settings, settings.learning_rate).init(params)
    return State(jnp.zeros((), jnp.int32), params, averages, opt_state)


@functools.partial(jax.jit, static_argnums=(0, 1))  # a network is traced once for all its states
def _fresh_weights(unet: UNet, image_shape: tuple[int, int, int], key: jax.Array) -> Params:
    x = jnp.zeros((1, *image_shape))
    t = jnp.zeros((1,), jnp.int32)
    return unet.init(key, x, t, t)["params"]


def make_step(settings: TrainSettings, model: Model) -> Step:
    """Builds the compiled training step.

    t, eps, hidden labels and dropout masks follow from (seed, step, index of the example in the
    global batch), so the loss depends neither on the number of devices nor on `accumulate`. Where
    several hosts work on a run they take the step together, each with its rows of the batch.
    """
    return make_step_of_rate(settings, model, by_all_hosts=True)(settings.learning_rate)


def make_step_of_rate(
    settings: TrainSettings, model: Model, *, by_all_hosts: bool = False
) -> Callable[[float], Step]:
    """Returns learning rate -> the training step at that rate; all of them are one program.

    A search over rates then compiles once, and so do runs that differ in their seed alone. The
    learning rate in `settings` is not read.

    Args:
      by_all_hosts: the hosts of a run take the step together.
    """
    num_steps = model.schedule.num_steps
    weights = process.loss_weights(model.schedule, settings.weighting, model.prediction)
    root = np.asarray(jax.random.key_data(jax.random.key(settings.seed + 1)))

    def loss_of(
        params: Params,
        batch: dict[str, jax.Array],
        t: jax.Array,
        keys: jax.Array,
        counted: jax.Array | None,
    ) -> jax.Array:
        x_0 = process.to_model_range(batch["image"])
        eps = jax.vmap(lambda k: jax.random.normal(k, x_0.shape[1:]))(keys[:, 1])
        label = batch["label"]
        if settings.label_dropout:
            drop = jax.vmap(lambda k: jax.random.bernoulli(k, settings.label_dropout))(keys[:, 3])
            label = jnp.where(drop, model.unet.no_class, label)

        def network(x_t: jax.Array, t: jax.Array) -> jax.Array:
            return apply(model.unet, params, x_t, t, label, keys[:, 2], batch.get("warp"))

        losses = process.l_simple(model.schedule, network, x_0, t, eps, model.prediction)
        if settings.weighting != "simple":
            losses = losses * jnp.asarray(weights, jnp.float32)[t]
        return (losses if counted is None else losses * counted).mean()

    def step(
        carried: tuple[State, jax.Array, jax.Array], batch: dict[str, jax.Array]
    ) -> tuple[tuple[State, jax.Array, jax.Array], dict[str, jax.Array]]:
        state, rate, root = carried
        optimizer = make_optimizer(settings, rate)
        local = batch["label"].shape[0]
        key = jax.random.fold_in(jax.random.wrap_key_data(root), state.step)
        indices = parallel.example_indices(local)
        keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(key, i), 4))(indices)
        if settings.timesteps == "stratified":
            t = process.draw_stratified_steps(key, indices, settings.batch_size, num_steps)
        else:
            t = process.draw_uniform_steps(keys[:, 0], num_steps)

        def add_part(total: Tree, part: Tree) -> tuple[Tree, None]:
            of_part = jax.value_and_grad(loss_of)(state.params, *part)
            return jax.tree.map(jnp.add, total, of_part), None

        inputs = (batch, t, keys, parallel.example_weights())
        if settings.accumulate == 1:
            result = jax.value_and_grad(loss_of)(state.params, *inputs)
        else:
            k = settings.accumulate
            parts = jax.tree.map(lambda v: v.reshape(k, v.shape[0] // k, *v.shape[1:]), inputs)
            zero = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), state.params))
            total, _ = jax.lax.scan(add_part, zero, parts)
            result = jax.tree.map(lambda v: v / k, total)
        loss, gradient = parallel.mean(result)
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        averages = tuple(
            ema.update(average, params, state.step, half_life)
            for average, half_life in zip(state.averages, settings.ema_half_lives, strict=True)
        )
        metrics = {"loss": loss, "gradient_norm": optax.tree.norm(gradient)}
        return (State(state.step + 1, params, averages, opt_state), rate, root), metrics

    shared = settings.batch_size if by_all_hosts else None
    mapped = parallel.train_step(step, all_hosts_batch=shared, parts=settings.accumulate)

    def step_of_rate(learning_rate: float) -> Step:
        def step_at(
            state: State, batch: dict[str, np.ndarray]
        ) -> tuple[State, dict[str, jax.Array]]:
            # Placed as the state is placed: JAX compiles again for another placement.
            sharding = getattr(state.step, "sharding", None)
            given = jax.device_put((np.float32(learning_rate), root), sharding)
            (state, *_), metrics = mapped((state, *given), batch)
            return state, metrics

        return step_at

    return step_of_rate
