"""Training of the diffusion model: the loop, validation, checkpoints and resume."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from synthmed_jax import checkpoint
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import batches
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.settings import TrainSettings, check_batch
from synthmed_jax.diffusion.step import State, Step, init_state
from synthmed_jax.diffusion.stop import Check, best_of, reason_to_stop
from synthmed_jax.errors import Diverged
from synthmed_jax.files import read_json, write_json
from synthmed_jax.metrics_log import MetricsLog, read_metrics
from synthmed_jax.progress import progress_bar


class Validate(NamedTuple):
    """What is measured on `val`.

    Attributes:
      loss: weights -> loss by noise level, f64[L].
      nearness: weights -> distance of samples to `fit` over that of `val`.
    """

    loss: Callable[[Any], np.ndarray]
    nearness: Callable[[Any], float | None]


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
        return str(read_json(ended)["sha256"])
    check_batch(settings)
    checkpoints = directory / "checkpoints"
    state = init_state(settings, model)
    start = checkpoint.latest_step(checkpoints) or 0
    if start:
        state = checkpoint.restore(checkpoints, state)
    log = MetricsLog(directory / "metrics.jsonl", resume_at=start)
    history = _history(directory)
    if _is_best_at(start, history):
        _save_best(settings, state, history[-1], directory)
    data = batches(fit, settings.batch_size, settings.seed, augmentation)
    pending, reason = _Pending(), reason_to_stop(history, settings.patience)
    n, since_log = start, 0
    saved = window = time.monotonic()
    bar = progress_bar(description="diffusion", total=settings.steps, initial=start, unit="step")
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
    write_json(ended, {**chosen, "ended_at": n, "why": why, "sha256": sha256})
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
    ended = read_json(directory / "best.json")
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
    records = read_metrics(directory / "metrics.jsonl")
    return [_to_check(record) for record in records if "val_loss" in record]
