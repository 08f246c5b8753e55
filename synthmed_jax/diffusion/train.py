"""Training of the diffusion model: one compiled step, EMA, validation, checkpoints, resume."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from synthmed_jax import checkpoint, checks, parallel, runlog
from synthmed_jax.data.images import ImageSet
from synthmed_jax.data.pipeline import Augmentation, batches
from synthmed_jax.diffusion.process import l_simple
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.diffusion.unet import UNet, apply
from synthmed_jax.errors import UserError

VAL_NOISE_LEVELS = 8  # Every val image is scored at this many steps, spread evenly over 0..T-1.


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the diffusion model is trained.

    Attributes:
      steps: optimiser steps.
      batch_size: images a step, over all devices.
      learning_rate: peak of Adam's rate, after `warmup_steps`, before a cosine decay to 0.
      warmup_steps: steps of linear warm-up.
      ema_decay: decay of the weights' moving average, itself warmed up (see `ema_decay_at`).
      clip_norm: largest global norm of the gradient.
      prediction: "eps" or "v".
      log_every, val_every: steps between records of the loss and of the validation loss.
      save_minutes: minutes between checkpoints.
      seed: of weights, batches and noise.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    ema_decay: float
    clip_norm: float
    prediction: str
    log_every: int
    val_every: int
    save_minutes: float
    seed: int

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 1, "warmup_steps": 0, "log_every": 1, "val_every": 1}
        for name, value in (least | {"save_minutes": 0, "seed": 0}).items():
            checks.at_least(f"config.diffusion.train.{name}", getattr(self, name), value)
        for name in ("learning_rate", "clip_norm"):
            checks.above(f"config.diffusion.train.{name}", getattr(self, name), 0)
        checks.between("config.diffusion.train.ema_decay", self.ema_decay, 0, 1)


class State(NamedTuple):
    """Everything that a resumed run needs; the data order follows from `step`."""

    step: jax.Array
    params: Any
    ema: Any
    opt_state: Any


def to_model_range(images: jax.Array) -> jax.Array:
    """u8 grey levels -> f32 in [-1, 1]."""
    return images.astype(jnp.float32) / 127.5 - 1


def ema_decay_at(step: jax.Array, decay: float) -> jax.Array:
    """min(decay, (1 + n) / (10 + n)): early averages must not hold the initial weights."""
    return jnp.minimum(decay, (1 + step) / (10 + step))


def make_optimizer(settings: TrainSettings) -> optax.GradientTransformation:
    """Adam with a clipped gradient, linear warm-up and cosine decay to 0."""
    rate = optax.warmup_cosine_decay_schedule(
        0.0, settings.learning_rate, settings.warmup_steps, max(settings.steps, 1)
    )
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), optax.adam(rate))


def init_state(settings: TrainSettings, unet: UNet, image_shape: tuple[int, int, int]) -> State:
    """Fresh weights for images of shape (H, W, C)."""
    key = jax.random.key(settings.seed)
    x = jnp.zeros((1, *image_shape))
    t = jnp.zeros((1,), jnp.int32)
    params = jax.jit(lambda k: unet.init(k, x, t, t)["params"])(key)
    opt_state = make_optimizer(settings).init(params)
    return State(jnp.zeros((), jnp.int32), params, jax.tree.map(jnp.copy, params), opt_state)


def make_step(
    settings: TrainSettings, unet: UNet, schedule: Schedule
) -> Callable[[State, dict[str, np.ndarray]], tuple[State, dict[str, jax.Array]]]:
    """Builds the compiled training step: (state, global batch) -> (state, metrics).

    t, eps and dropout follow from (seed, step, index of the example in the global batch), so the
    loss does not depend on the number of devices.
    """
    optimizer = make_optimizer(settings)

    def step(state: State, batch: dict[str, jax.Array]) -> tuple[State, dict[str, jax.Array]]:
        x_0 = to_model_range(batch["image"])
        key = jax.random.fold_in(jax.random.key(settings.seed + 1), state.step)
        indices = parallel.example_indices(x_0.shape[0])
        keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(key, i), 3))(indices)
        t = jax.vmap(lambda k: jax.random.randint(k, (), 0, schedule.num_steps))(keys[:, 0])
        eps = jax.vmap(lambda k: jax.random.normal(k, x_0.shape[1:]))(keys[:, 1])

        def loss_of(params: Any) -> jax.Array:
            def model(x_t: jax.Array, t: jax.Array) -> jax.Array:
                return apply(unet, params, x_t, t, batch["label"], keys[:, 2])

            return l_simple(schedule, model, x_0, t, eps, settings.prediction).mean()

        loss, gradient = parallel.mean(jax.value_and_grad(loss_of)(state.params))
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        decay = ema_decay_at(state.step, settings.ema_decay)
        ema = jax.tree.map(lambda e, p: decay * e + (1 - decay) * p, state.ema, params)
        metrics = {"loss": loss, "gradient_norm": optax.tree.norm(gradient)}
        return State(state.step + 1, params, ema, opt_state), metrics

    return parallel.train_step(step)


def make_val_loss(
    settings: TrainSettings, unet: UNet, schedule: Schedule, val: ImageSet
) -> Callable[[Any], float]:
    """Builds params -> mean L_simple over `val`, always at the same steps with the same noise."""

    def loss(params: Any, image: jax.Array, label: jax.Array, t: jax.Array, i: jax.Array) -> Any:
        key = jax.random.key(settings.seed + 2)
        eps = jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(key, k), image.shape[1:]))(i)

        def model(x_t: jax.Array, t: jax.Array) -> jax.Array:
            return apply(unet, params, x_t, t, label)

        return l_simple(schedule, model, to_model_range(image), t, eps, settings.prediction)

    steps = ((np.arange(VAL_NOISE_LEVELS) + 0.5) * schedule.num_steps / VAL_NOISE_LEVELS).astype(
        np.int32
    )
    image = np.repeat(val.images, VAL_NOISE_LEVELS, axis=0)
    label = np.repeat(val.labels, VAL_NOISE_LEVELS, axis=0)
    t = np.tile(steps, len(val))
    index = np.arange(len(t), dtype=np.int32)
    mapped = parallel.map_examples(loss, settings.batch_size)
    return lambda params: float(mapped(params, image, label, t, index).mean())


def train(
    settings: TrainSettings,
    unet: UNet,
    schedule: Schedule,
    augmentation: Augmentation,
    fit: ImageSet,
    val: ImageSet,
    directory: pathlib.Path,
) -> str:
    """Trains to `settings.steps`, from the newest checkpoint where there is one.

    Args:
      fit, val: images that the weights, and the validation loss, see. `val` may be empty.
      directory: receives metrics.jsonl and checkpoints/.

    Returns:
      sha256 of the final state, which names this generator.

    Raises:
      UserError: a batch that can't be split or filled, or a loss that is no longer finite.
    """
    parallel.check_batch_size("config.diffusion.train.batch_size", settings.batch_size)
    checkpoints = directory / "checkpoints"
    state = init_state(settings, unet, fit.images.shape[1:])
    start = checkpoint.latest_step(checkpoints) or 0
    if start:
        state = checkpoint.restore(checkpoints, state)
        if start >= settings.steps:
            return checkpoint.digest(state)
    log = runlog.MetricsLog(directory / "metrics.jsonl", resume_at=start)
    data = batches(fit, settings.batch_size, settings.seed, augmentation)
    step = make_step(settings, unet, schedule)
    val_loss = make_val_loss(settings, unet, schedule, val) if len(val) else None

    sha256, losses, saved, window = "", [], time.monotonic(), time.monotonic()
    bar = runlog.progress(description="diffusion", total=settings.steps, initial=start, unit="step")
    with bar:
        for n in range(start + 1, settings.steps + 1):
            state, metrics = step(state, data[n - 1])
            losses.append(metrics["loss"])
            bar.update()
            last = n == settings.steps
            if n % settings.log_every == 0 or last:
                loss = float(np.mean(jax.device_get(losses)))
                if not np.isfinite(loss):
                    raise UserError(
                        f"the diffusion loss is {loss} at step {n}: lower "
                        "config.diffusion.train.learning_rate; the checkpoint before is kept"
                    )
                seconds = time.monotonic() - window
                rate = len(losses) * settings.batch_size / seconds
                log.write(step=n, loss=loss, images_per_second=rate, seconds=seconds)
                bar.set_postfix(loss=f"{loss:.4f}", images_per_s=f"{rate:.0f}", refresh=False)
                losses, window = [], time.monotonic()
            if val_loss and (n % settings.val_every == 0 or last):
                log.write(step=n, val_loss=val_loss(state.ema))
                window = time.monotonic()
            if last or time.monotonic() - saved > 60 * settings.save_minutes:
                sha256 = checkpoint.save(checkpoints, n, state)
                saved = time.monotonic()
    return sha256
