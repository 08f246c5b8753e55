"""Training of the diffusion model: the compiled step, the loop, checkpoints and resume."""

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
from synthmed_jax.diffusion import ema, process
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.stop import Check, best_of, reason_to_stop
from synthmed_jax.diffusion.unet import apply
from synthmed_jax.errors import Diverged, UserError


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the diffusion model is trained.

    Attributes:
      steps: optimiser steps at most.
      batch_size: images a step, over all devices.
      accumulate: parts of a device's batch whose gradients are added up one after the other, for
        batches that do not fit into memory.
      learning_rate: peak of Adam's rate, after `warmup_steps`, before a cosine decay to 0.
      warmup_steps: steps of linear warm-up.
      ema_half_lives: of the weights' moving averages, steps; images are drawn from the one with the
        lowest validation loss, from the first where there is no `val`.
      clip_norm: largest global norm of the gradient.
      weighting: of the steps' losses, one of WEIGHTINGS.
      timesteps: how t is drawn, one of TIMESTEPS.
      label_dropout: share of training labels replaced by "no class", which guidance needs.
      log_every, val_every: steps between records of the loss and checks on `val`.
      patience: checks without a lower validation loss before training may stop (see `stop`); 0:
        never.
      save_minutes: minutes between checkpoints.
      seed: of weights, batches and noise.
    """

    steps: int
    batch_size: int
    accumulate: int
    learning_rate: float
    warmup_steps: int
    ema_half_lives: tuple[int, ...]
    clip_norm: float
    weighting: str
    timesteps: str
    label_dropout: float
    log_every: int
    val_every: int
    patience: int
    save_minutes: float
    seed: int

    def __post_init__(self) -> None:
        least = {"steps": 1, "batch_size": 1, "accumulate": 1, "warmup_steps": 0, "log_every": 1}
        least |= {"val_every": 1, "patience": 0, "save_minutes": 0, "seed": 0}
        for name, value in least.items():
            checks.at_least(f"config.diffusion.train.{name}", getattr(self, name), value)
        for name in ("learning_rate", "clip_norm"):
            checks.above(f"config.diffusion.train.{name}", getattr(self, name), 0)
        checks.one_of("config.diffusion.train.weighting", self.weighting, process.WEIGHTINGS)
        checks.one_of("config.diffusion.train.timesteps", self.timesteps, process.TIMESTEPS)
        checks.between("config.diffusion.train.label_dropout", self.label_dropout, 0, 1)
        if self.warmup_steps >= self.steps:
            raise UserError(
                f"config.diffusion.train.warmup_steps={self.warmup_steps} must be below "
                f"config.diffusion.train.steps={self.steps}"
            )
        if not self.ema_half_lives or min(self.ema_half_lives) < 1:
            raise UserError(
                f"config.diffusion.train.ema_half_lives={self.ema_half_lives} must be at least one "
                "number of steps, from 1"
            )


class State(NamedTuple):
    """Everything that a resumed run needs; the data order follows from `step`.

    Attributes:
      step: i32[], optimiser steps taken.
      params: the weights.
      averages: their moving averages, one for each of `ema_half_lives`.
      opt_state: Adam's.
    """

    step: jax.Array
    params: Any
    averages: tuple[Any, ...]
    opt_state: Any


Step = Callable[[State, dict[str, np.ndarray]], tuple[State, dict[str, jax.Array]]]


class Validate(NamedTuple):
    """What is measured on `val`.

    Attributes:
      loss: weights -> loss by noise level, f64[L].
      nearness: weights -> distance of samples to `fit` over that of `val`.
    """

    loss: Callable[[Any], np.ndarray]
    nearness: Callable[[Any], float | None]


def make_optimizer(
    settings: TrainSettings, learning_rate: float | jax.Array
) -> optax.GradientTransformation:
    """Adam with a clipped gradient, linear warm-up to a rate and cosine decay to 0."""
    share = optax.warmup_cosine_decay_schedule(0.0, 1.0, settings.warmup_steps, settings.steps)
    adam = optax.adam(lambda count: learning_rate * share(count))
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), adam)


def init_state(settings: TrainSettings, model: Model) -> State:
    """Fresh weights."""
    key = jax.random.key(settings.seed)
    x = jnp.zeros((1, *model.image_shape))
    t = jnp.zeros((1,), jnp.int32)
    params = jax.jit(lambda k: model.unet.init(k, x, t, t)["params"])(key)
    averages = tuple(jax.tree.map(jnp.copy, params) for _ in settings.ema_half_lives)
    opt_state = make_optimizer(settings, settings.learning_rate).init(params)
    return State(jnp.zeros((), jnp.int32), params, averages, opt_state)


def make_step(settings: TrainSettings, model: Model) -> Step:
    """Builds the compiled training step: (state, global batch) -> (state, metrics).

    t, eps, label and other dropout follow from (seed, step, index of the example in the global
    batch), so the loss does not depend on the number of devices, nor on `accumulate`.
    """
    return make_step_of_rate(settings, model)(settings.learning_rate)


def make_step_of_rate(settings: TrainSettings, model: Model) -> Callable[[float], Step]:
    """Builds `make_step` for every learning rate, in place of the settings', as one program."""
    num_steps = model.schedule.num_steps
    weights = process.loss_weights(model.schedule, settings.weighting, model.prediction)

    def loss_of(
        params: Any, batch: dict[str, jax.Array], t: jax.Array, keys: jax.Array
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
        return losses.mean()

    def step(
        state_and_rate: tuple[State, jax.Array], batch: dict[str, jax.Array]
    ) -> tuple[tuple[State, jax.Array], dict[str, jax.Array]]:
        state, rate = state_and_rate
        optimizer = make_optimizer(settings, rate)
        local = batch["label"].shape[0]
        key = jax.random.fold_in(jax.random.key(settings.seed + 1), state.step)
        indices = parallel.example_indices(local)
        keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(key, i), 4))(indices)
        if settings.timesteps == "stratified":
            t = process.draw_stratified_steps(key, indices, settings.batch_size, num_steps)
        else:
            t = process.draw_uniform_steps(keys[:, 0], num_steps)

        def part(total: Any, inputs: Any) -> tuple[Any, None]:
            one = jax.value_and_grad(loss_of)(state.params, *inputs)
            return jax.tree.map(jnp.add, total, one), None

        inputs = (batch, t, keys)
        if settings.accumulate == 1:
            result = jax.value_and_grad(loss_of)(state.params, *inputs)
        else:
            k = settings.accumulate
            parts = jax.tree.map(lambda v: v.reshape(k, v.shape[0] // k, *v.shape[1:]), inputs)
            zero = jax.tree.map(jnp.zeros_like, (jnp.zeros(()), state.params))
            total, _ = jax.lax.scan(part, zero, parts)
            result = jax.tree.map(lambda v: v / k, total)
        loss, gradient = parallel.mean(result)
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        averages = tuple(
            ema.update(average, params, state.step, half_life)
            for average, half_life in zip(state.averages, settings.ema_half_lives, strict=True)
        )
        metrics = {"loss": loss, "gradient_norm": optax.tree.norm(gradient)}
        return (State(state.step + 1, params, averages, opt_state), rate), metrics

    mapped = parallel.train_step(step)

    def of_rate(learning_rate: float) -> Step:
        def own(state: State, batch: dict[str, np.ndarray]) -> tuple[State, dict[str, jax.Array]]:
            # On the state's devices: a number from elsewhere would be compiled for once more.
            where = getattr(state.step, "sharding", None)
            rate = jax.device_put(np.float32(learning_rate), where)
            (state, _), metrics = mapped((state, rate), batch)
            return state, metrics

        return own

    return of_rate


class _Pending:
    """Losses still on the device: the loop does not wait for each."""

    def __init__(self) -> None:
        self._metrics: list[tuple[int, dict[str, jax.Array]]] = []
        self._losses: list[float] = []

    def add(self, step: int, metrics: dict[str, jax.Array]) -> None:
        self._metrics.append((step, metrics))

    def check(self) -> None:
        """Raises Diverged, naming the step, if a loss or gradient was not finite."""
        for step, metrics in jax.device_get(self._metrics):
            if not np.isfinite([metrics["loss"], metrics["gradient_norm"]]).all():
                raise Diverged(
                    f"the diffusion loss is {metrics['loss']} and its gradient's norm "
                    f"{metrics['gradient_norm']} at step {step}: lower "
                    "config.diffusion.train.learning_rate, in a new --workdir"
                )
            self._losses.append(float(metrics["loss"]))
        self._metrics = []

    def mean(self) -> float:
        """Mean loss since the last call, all checked."""
        self.check()
        losses, self._losses = self._losses, []
        return float(np.mean(losses))


def check_batch(settings: TrainSettings) -> None:
    """Raises UserError if a batch can't be split over devices and then into `accumulate` parts."""
    parallel.check_batch_size("config.diffusion.train.batch_size", settings.batch_size)
    local = settings.batch_size // jax.local_device_count()
    if local % settings.accumulate:
        raise UserError(
            f"config.diffusion.train.accumulate={settings.accumulate} can't divide the {local} "
            "images of a device's batch evenly"
        )


def train(
    settings: TrainSettings,
    step: Step,
    model: Model,
    augmentation: Augmentation,
    fit: ImageSet,
    validate: Validate | None,
    directory: pathlib.Path,
) -> str:
    """Trains to the end or to the stop rule, from the newest checkpoint where there is one.

    Args:
      step: from `make_step`.
      fit: images that the weights see.
      validate: measures on `val`; None where there is none.
      directory: receives metrics.jsonl, checkpoints/ (to resume), best/ (the weights that images
        are drawn from), and last best.json: which those are, and why training ended.

    Returns:
      sha256 of the best weights, which names this generator.

    Raises:
      UserError: a batch that can't be split or filled.
      Diverged: a loss that is no longer finite.
    """
    ended = directory / "best.json"
    if ended.exists():
        return str(runlog.read_json(ended)["sha256"])
    check_batch(settings)
    checkpoints = directory / "checkpoints"
    state = init_state(settings, model)
    start = checkpoint.latest_step(checkpoints) or 0
    if start:
        state = checkpoint.restore(checkpoints, state)
    log = runlog.MetricsLog(directory / "metrics.jsonl", resume_at=start)
    history = _history(directory)
    if _is_best_at(start, history):
        _save_best(settings, state, history[-1], directory)
    data = batches(fit, settings.batch_size, settings.seed, augmentation)
    pending, reason = _Pending(), reason_to_stop(history, settings.patience)
    n, since_log = start, 0
    saved = window = time.monotonic()
    bar = runlog.progress(description="diffusion", total=settings.steps, initial=start, unit="step")
    with bar:
        while n < settings.steps and not reason:
            state, metrics = step(state, data[n])
            n, since_log = n + 1, since_log + 1
            pending.add(n, metrics)
            bar.update()
            last = n == settings.steps
            if n % settings.log_every == 0 or last:
                loss, seconds = pending.mean(), time.monotonic() - window
                rate = since_log * settings.batch_size / seconds
                log.write(step=n, loss=loss, images_per_second=rate, seconds=seconds)
                bar.set_postfix(loss=f"{loss:.4f}", images_per_s=f"{rate:.0f}", refresh=False)
                since_log, window = 0, time.monotonic()
            if validate and (n % settings.val_every == 0 or last):
                pending.check()
                before = time.monotonic()
                record = _validate(settings, state, n, validate)
                log.write(**record)
                history.append(_to_check(record))
                reason = reason_to_stop(history, settings.patience)
                window += time.monotonic() - before  # the rate is training's own
            improved = _is_best_at(n, history)
            due = time.monotonic() - saved > 60 * settings.save_minutes
            if last or reason or improved or due:
                pending.check()
                checkpoint.save(checkpoints, n, state)
                saved = time.monotonic()
            if improved:
                # After the state, of which a run that is killed in between saves them again.
                _save_best(settings, state, history[-1], directory)
    best = best_of(history)
    if best is None:
        checkpoint.save(directory / "best", n, state.averages[0], keep=1)
    chosen: dict[str, float | None] = {"step": n, "half_life": settings.ema_half_lives[0]}
    chosen |= best._asdict() if best else {"val_loss": None, "nearness": None}
    sha256 = checkpoint.digest(_restore_best(settings, model, directory, best.step if best else n))
    why = reason or f"all {settings.steps} steps were taken"
    runlog.write_json(ended, {**chosen, "ended_at": n, "why": why, "sha256": sha256})
    return sha256


def _is_best_at(step: int, history: list[Check]) -> bool:
    """Whether the best check of all is that of this step."""
    best = best_of(history)
    return best is not None and best.step == step


def _save_best(
    settings: TrainSettings, state: State, check: Check, directory: pathlib.Path
) -> None:
    """Keeps the average that a check of this state found best, in place of an earlier one."""
    average = state.averages[settings.ema_half_lives.index(check.half_life)]
    checkpoint.save(directory / "best", check.step, average, keep=1)


def _restore_best(settings: TrainSettings, model: Model, directory: pathlib.Path, step: int) -> Any:
    like = jax.eval_shape(lambda: init_state(settings, model)).params
    return checkpoint.restore(directory / "best", like, step)


def load_best(settings: TrainSettings, model: Model, directory: pathlib.Path) -> tuple[Any, str]:
    """The weights that images are drawn from, as numpy arrays, and their sha256."""
    ended = runlog.read_json(directory / "best.json")
    return _restore_best(settings, model, directory, ended["step"]), ended["sha256"]


def _validate(
    settings: TrainSettings, state: State, step: int, validate: Validate
) -> dict[str, Any]:
    """A record of the best average."""
    levels = [validate.loss(average) for average in state.averages]
    losses = [float(of_levels.mean()) for of_levels in levels]
    best = int(np.argmin(losses))
    return {
        "step": step,
        "val_loss": losses[best],
        "half_life": settings.ema_half_lives[best],
        "val_losses": losses,
        "val_loss_by_level": levels[best].tolist(),
        "nearness": validate.nearness(state.averages[best]),
    }


def _to_check(record: dict[str, Any]) -> Check:
    return Check(*(record[name] for name in Check._fields))


def _history(directory: pathlib.Path) -> list[Check]:
    records = runlog.read_metrics(directory / "metrics.jsonl")
    return [_to_check(record) for record in records if "val_loss" in record]
