"""Training of the diffusion model: the loop, validation, checkpoints and resume."""

from __future__ import annotations

import pathlib
import shutil
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import numpy as np

from synthmed_jax import checkpoint, hosts, parallel, stopping
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import batches
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.diffusion import kept
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.settings import TrainSettings, check_batch
from synthmed_jax.diffusion.step import State, Step, init_state
from synthmed_jax.diffusion.stop import Validation, best_of, reason_to_stop
from synthmed_jax.diffusion.unet import Params
from synthmed_jax.errors import Damaged, Diverged
from synthmed_jax.made_by import refuse_others
from synthmed_jax.metrics_log import MetricsLog, Record, records_until
from synthmed_jax.progress import progress_bar
from synthmed_jax.results.generator import GeneratorEnd


class Validate(NamedTuple):
    """How `val` is used: the two functions that measure weights on it.

    Attributes:
      loss: weights -> loss at each of L noise levels, f64[L].
      nearness: weights -> median distance of samples to their nearest `fit` image over that of
        `val` images; None where it can't be measured.
    """

    loss: Callable[[Params], np.ndarray]
    nearness: Callable[[Params], float | None]


class _Pending:
    """Losses that are still on the device, so that the loop need not wait for each."""

    def __init__(self) -> None:
        self._metrics: list[tuple[int, dict[str, jax.Array]]] = []
        self._losses: list[float] = []

    def add(self, step: int, metrics: dict[str, jax.Array]) -> None:
        self._metrics.append((step, metrics))

    def fetch(self) -> None:
        """Waits for them; raises Diverged, naming the step, if a loss or gradient is not finite."""
        for step, metrics in jax.device_get(self._metrics):
            if not np.isfinite([metrics["loss"], metrics["gradient_norm"]]).all():
                raise Diverged(
                    f"the diffusion loss is {metrics['loss']} and its gradient's norm "
                    f"{metrics['gradient_norm']} at step {step}: lower "
                    "config.diffusion.train.learning_rate, and give the same command again"
                )
            self._losses.append(float(metrics["loss"]))
        self._metrics = []

    def mean(self) -> float:
        """Mean loss since the last call of `mean`; raises as `fetch`."""
        self.fetch()
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
    made_by: str = "",
    events: pathlib.Path | None = None,
    *,
    by_all_hosts: bool = False,
) -> GeneratorEnd:
    """Trains to the last step or to the stop rule, from the newest checkpoint if there is one.

    A training that has ended before is not repeated.

    Args:
      step: from `make_step`.
      fit: images that the weights learn from.
      validate: measures weights on `val`; None where `val` is empty.
      directory: receives metrics.jsonl, checkpoints/ (to resume from), best/ (the weights that
        images are drawn from), kept/ (those that are to be kept), and last best.json.
      made_by: digest of the settings and inputs, which all that is saved says.
      events: receives the event files of TensorBoard; None: there are none.
      by_all_hosts: the other hosts of the run take the steps with this one: they `follow` it.

    Returns:
      The content of best.json.

    Raises:
      UserError: a batch has fewer images than there are devices, or can't be filled; what is saved
        there was made with other settings.
      Diverged: a loss that is no longer finite.
    """
    end = GeneratorEnd.read_if_there(directory / "best.json")
    if end:
        refuse_others(directory / "best.json", end.made_by, made_by)
        return end
    check_batch(settings)
    checkpoints = directory / "checkpoints"
    start, state, records = _resume(settings, model, directory, made_by)
    log = MetricsLog(directory / "metrics.jsonl", records, events=events)
    history = _history(records)
    if _is_best_at(start, history):
        _save_best(settings, state, history[-1], directory)
    _keep(settings, state, start, history, directory)
    rows = slice(None)
    if by_all_hosts:
        hosts.tell(start)
        state, rows = parallel.from_leader(state), parallel.rows_of_this_host(settings.batch_size)
    data = batches(fit, settings.batch_size, settings.seed, augmentation, rows)
    pending, reason = _Pending(), reason_to_stop(history, settings.patience)
    n, since_log = start, 0
    saved = window = time.monotonic()
    bar = progress_bar(description="diffusion", total=settings.steps, initial=start, unit="step")
    with stopping.deferred(), bar:
        while n < settings.steps and not reason:
            if by_all_hosts:
                hosts.tell(n)
            state, metrics = step(state, data[n])
            n, since_log = n + 1, since_log + 1
            pending.add(n, metrics)
            bar.update()
            last = n == settings.steps
            if n % settings.log_every == 0 or last:
                loss, seconds = pending.mean(), time.monotonic() - window
                rate = since_log * settings.batch_size / seconds
                log.write(step=n, loss=loss, images_per_second=rate, seconds=seconds)
                bar.note(loss=f"{loss:.4f}")
                since_log, window = 0, time.monotonic()
            if validate and (n % settings.val_every == 0 or last):
                pending.fetch()
                before = time.monotonic()
                record = _validate(settings, state, n, validate)
                log.write(**record)
                history.append(_to_validation(record))
                reason = reason_to_stop(history, settings.patience)
                window += time.monotonic() - before  # images_per_second is of training alone
            improved = _is_best_at(n, history)
            due = time.monotonic() - saved > 60 * settings.save_minutes
            if last or reason or improved or due or stopping.asked():
                pending.fetch()
                notes = {"made_by": made_by, "records": log.records}
                checkpoint.save(checkpoints, n, state, notes=notes)
                saved = time.monotonic()
            if improved:
                # After the state: a run that is killed in between restores that state, and saves
                # its best average then.
                _save_best(settings, state, history[-1], directory)
            _keep(settings, state, n, history, directory)
            stopping.check()
    best = best_of(history)
    if best is None:
        _save_average(directory, n, state.averages[0])
    step_of_best = best.step if best else n
    end = GeneratorEnd(
        step=step_of_best,
        half_life=best.half_life if best else settings.ema_half_lives[0],
        val_loss=best.val_loss if best else None,
        nearness=best.nearness if best else None,
        ended_at=n,
        why=reason or f"all {settings.steps} steps were taken",
        sha256=checkpoint.digest(_restore_best(settings, model, directory, step_of_best)),
        made_by=made_by,
    )
    end.write(directory / "best.json")
    return end


def follow(
    settings: TrainSettings, step: Step, model: Model, augmentation: Augmentation, fit: ImageSet
) -> None:
    """Takes the steps of a training that the leader of several hosts is at, with its own rows.

    The leader decides on everything, and tells of each step before it is taken.

    Args and errors: as of `train`.
    """
    start = hosts.told()
    if start is None:  # it has ended before
        return
    check_batch(settings)
    state = parallel.from_leader(init_state(settings, model))
    rows = parallel.rows_of_this_host(settings.batch_size)
    data = batches(fit, settings.batch_size, settings.seed, augmentation, rows)
    while (n := hosts.told()) is not None:
        state, _ = step(state, data[n])


def _resume(
    settings: TrainSettings, model: Model, directory: pathlib.Path, made_by: str
) -> tuple[int, State, list[Record]]:
    """Returns where a training goes on: the step, the state, and what was logged until then.

    It is the newest checkpoint, if the weights that were best until then are there as well.
    """
    checkpoints, state = directory / "checkpoints", init_state(settings, model)
    while (saved := checkpoint.resume(checkpoints, state)) is not None:
        refuse_others(checkpoints / str(saved.step), saved.notes.get("made_by", ""), made_by)
        records = saved.notes.get("records")
        if records is None:  # a checkpoint of an earlier version
            records = records_until(directory / "metrics.jsonl", "step", saved.step)
        best = best_of(_history(records))
        if best is None or best.step == saved.step or _has_best(settings, model, directory, best):
            return saved.step, saved.state, records
        # Those weights were damaged, and can't be had from this checkpoint.
        print(f"{directory / 'best'} lacks the best weights: training goes back", flush=True)
        shutil.rmtree(checkpoints / str(saved.step))
    return 0, state, []


def _has_best(
    settings: TrainSettings, model: Model, directory: pathlib.Path, best: Validation
) -> bool:
    try:
        _restore_best(settings, model, directory, best.step)
    except Damaged as error:
        print(error, flush=True)
        return False
    return True


def _is_best_at(step: int, history: list[Validation]) -> bool:
    """Whether the best validation of all is that of this step."""
    best = best_of(history)
    return best is not None and best.step == step


def _save_best(
    settings: TrainSettings, state: State, validation: Validation, directory: pathlib.Path
) -> None:
    """Saves the average of this state that scored best, in place of an earlier one."""
    _save_average(directory, validation.step, _average_of(settings, state, validation))


def _average_of(settings: TrainSettings, state: State, validation: Validation) -> Params:
    return state.averages[settings.ema_half_lives.index(validation.half_life)]


def _keep(
    settings: TrainSettings,
    state: State,
    step: int,
    history: list[Validation],
    directory: pathlib.Path,
) -> None:
    """Keeps the average that scored best at this step, where the settings want it kept."""
    if not step or not settings.keep_every or step % settings.keep_every:
        return
    # Without `val` nothing was measured; with it, every such step is one of a validation.
    last = history[-1] if history else None
    average = state.averages[0] if last is None else _average_of(settings, state, last)
    kept.save(directory, step, average, None if last is None else last.val_loss)


def _save_average(directory: pathlib.Path, step: int, average: Params) -> None:
    if any(later > step for later in checkpoint.steps(directory / "best")):
        shutil.rmtree(directory / "best")  # of a training that had to go back
    checkpoint.save(directory / "best", step, average, keep=1)


def _restore_best(
    settings: TrainSettings, model: Model, directory: pathlib.Path, step: int
) -> Params:
    return checkpoint.restore(directory / "best", _weights_like(settings, model), step).state


def _weights_like(settings: TrainSettings, model: Model) -> Params:
    """The weights' shapes."""
    return jax.eval_shape(lambda: init_state(settings, model)).params


def load_kept(
    settings: TrainSettings, model: Model, directory: pathlib.Path, step: int
) -> tuple[Params, float | None]:
    """The weights that were kept at a step, and their validation loss; errors of `kept.load`."""
    return kept.load(directory, _weights_like(settings, model), step)


def load_best(settings: TrainSettings, model: Model, directory: pathlib.Path) -> tuple[Params, str]:
    """The weights that images are drawn from, as numpy arrays, and their sha256.

    Raises:
      FileNotFoundError: training has not ended.
      UserError: best.json or the weights are damaged.
    """
    end = GeneratorEnd.read(directory / "best.json")
    return _restore_best(settings, model, directory, end.step), end.sha256


def _validate(settings: TrainSettings, state: State, step: int, validate: Validate) -> Record:
    """Measures every average, and returns the record of the one with the lowest loss."""
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


def _to_validation(record: Record) -> Validation:
    return Validation(*(record[name] for name in Validation._fields))


def _history(records: Iterable[Record]) -> list[Validation]:
    return [_to_validation(record) for record in records if "val_loss" in record]
