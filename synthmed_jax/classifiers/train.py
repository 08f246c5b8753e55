"""Training of one classifier: epochs, early stopping, checkpoints and resume."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import NamedTuple

import jax
import numpy as np

from synthmed_jax import checkpoint, stopping
from synthmed_jax.classifiers import placement
from synthmed_jax.classifiers.networks.backbone import Variables
from synthmed_jax.classifiers.placement import Placed
from synthmed_jax.classifiers.programs import Programs, State
from synthmed_jax.classifiers.rates import Rates
from synthmed_jax.classifiers.settings import (
    TrainingSettings,
    batch_of,
    make_rates,
    passes_per_epoch,
    steps_of,
)
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import Damaged, Diverged, UserError
from synthmed_jax.files import sha256_of
from synthmed_jax.made_by import refuse_others
from synthmed_jax.metrics_log import MetricsLog, records_until
from synthmed_jax.progress import progress_bar
from synthmed_jax.results.cells import Choice, FoldResult, InitialWeights, SetScores

# Between two checkpoints in resume/, at least; a training that ends sooner writes none.
SAVE_SECONDS = 300.0
LOG = "metrics.jsonl"

# One epoch, as a line of metrics.jsonl: name -> number.
Record = dict[str, float]


class Progress(NamedTuple):
    """A training after some epochs.

    Attributes:
      state: what the next epoch starts from.
      best: variables of the epoch with the lowest validation loss, as numpy arrays; empty before
        the first epoch.
      records: one per epoch, as in metrics.jsonl.
    """

    state: State
    best: Variables
    records: list[Record]


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """One network's training, before it begins.

    Attributes:
      programs: the network's compiled functions.
      seed: of its weights and batches.
      train: training images at `settings.image_size`.
      validation: name -> images of that size, whose loss and accuracy are measured after each
        epoch.
      select: the name of the validation set whose loss decides.
      description: text beside the progress bar.
      augmentation: of the training images; None: the settings' own flips and shift.
      folder: receives metrics.jsonl, resume/ (from which an interrupted training goes on; deleted
        at the end), checkpoint/ and, last, result.json; None: nothing is written.
      made_by: digest of the settings and inputs, which all that is written says.
      events: receives the event files of TensorBoard, where there is a `folder`; None: none.
      report: is called with every epoch's record.
    """

    programs: Programs
    settings: TrainingSettings
    seed: int
    train: ImageSet
    validation: Mapping[str, ImageSet]
    select: str
    description: str
    _: dataclasses.KW_ONLY
    augmentation: Augmentation | None = None
    folder: pathlib.Path | None = None
    made_by: str = ""
    events: pathlib.Path | None = None
    report: Callable[[Record], None] = lambda record: None

    @property
    def batch_size(self) -> int:
        """Images per step; raises UserError where there is none to train on."""
        if not len(self.train):
            raise UserError(f"{self.description}: there are no training images")
        return batch_of(self.settings, len(self.train))

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return steps_of(self.settings, len(self.train))


# ({"params", "batch_stats"} of the best epoch as numpy arrays, its scores: "val_..." are those of
# the set `select`).
Outcome = tuple[Variables, FoldResult]


def train_alone(training: Training) -> Outcome:
    """Trains one network, over all devices.

    Raises:
      UserError: no training images, or a resume/ that was made with other settings.
      Diverged: a loss that is no longer finite.
    """
    with stopping.deferred():
        steps = step_by_step(training)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                stopping.check()
                outcome: Outcome = end.value
                return outcome


def step_by_step(training: Training) -> Generator[None, None, Outcome | None]:
    """Trains one network, and yields after each step that it has begun.

    It works on the devices that `parallel` has whenever it is resumed, always the same ones. Where
    the run has been asked to end, it saves at the end of an epoch and returns None.

    Raises:
      UserError, Diverged: as `train_alone`.
    """
    settings, folder, batch_size = training.settings, training.folder, training.batch_size
    steps, programs = training.steps, training.programs
    key, rates = jax.random.key(training.seed), make_rates(settings, steps)
    augmentation = training.augmentation or Augmentation(settings.flips, settings.shift)
    placed = placement.place(
        training.train, training.validation, batch_size, training.seed, augmentation
    )
    progress = _resume(training, key, rates)
    state, best, records = progress or Progress(programs.init(key, rates), {}, [])
    if folder:
        log = MetricsLog(folder / LOG, records, counter="epoch", events=training.events)
    saved = time.monotonic()
    bar = progress_bar(
        description=training.description,
        total=settings.max_epochs * steps * batch_size,
        initial=len(records) * steps * batch_size,
        unit="image",
    )
    with bar:
        while (stopped := _why_ended(settings, records)) is None:
            started = time.monotonic()
            step_metrics = []
            for n in range(len(records) * steps, (len(records) + 1) * steps):
                state, metrics = programs.step(state, placed.batches[n], placed.resident)
                step_metrics.append(metrics)
                bar.update(batch_size)
                yield
            scores = _score(programs, state, step_metrics, placed, training.validation)
            seconds = time.monotonic() - started
            record = _record(len(records) + 1, scores, training.select, seconds)
            if not np.isfinite([record["train_loss"], record["val_loss"]]).all():
                raise Diverged(
                    f"{training.description}: the loss is no longer finite in epoch "
                    f"{len(records) + 1}; lower config.classifier.learning_rate, and give the same "
                    "command again, in a new folder (--from=<this one>) where other trainings of "
                    "this stage have ended"
                )
            records.append(record)
            if _best_of(records) is record:
                best = jax.tree.map(np.array, state.variables)
            training.report(record)
            bar.note(val_loss=f"{record['val_loss']:.4f}")
            if folder:
                log.write(**record)
            due = time.monotonic() - saved > SAVE_SECONDS
            if folder and (due or stopping.asked()):
                resumable = _resumable(state, best, batch_size)
                notes = {"made_by": training.made_by, "records": records}
                checkpoint.save(folder / "resume", len(records), resumable, keep=1, notes=notes)
                saved = time.monotonic()
            if stopping.asked():
                return None
    result = _result(training, records, stopped)
    return best, _finish(folder, best, result) if folder else result


def _score(
    programs: Programs,
    state: State,
    step_metrics: list[dict[str, jax.Array]],
    placed: Placed,
    validation: Mapping[str, ImageSet],
) -> Record:
    """Loss and accuracy of an epoch.

    Args:
      step_metrics: "loss" and "accuracy" of each of its steps.

    Returns {"train_loss", "train_accuracy"}: means over these steps; and for each validation set
    {"<set>_loss", "<set>_accuracy"}: after the epoch.
    """
    means = jax.tree.map(lambda *v: float(np.mean(v)), *jax.device_get(step_metrics))
    scores = {f"train_{name}": mean for name, mean in means.items()}
    for name, (images, resident) in placed.validation.items():
        probabilities = programs.predict(state.variables, images, resident=resident)
        labels = validation[name].labels
        of_the_label = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
        scores[f"{name}_loss"] = float(-np.log(of_the_label).mean())
        scores[f"{name}_accuracy"] = float((probabilities.argmax(-1) == labels).mean())
    return scores


def _record(epoch: int, scores: Record, select: str, seconds: float) -> Record:
    chosen = {f"val_{what}": scores[f"{select}_{what}"] for what in ("loss", "accuracy")}
    return {"epoch": epoch, **scores, **chosen, "seconds": seconds}


def _best_of(records: list[Record], loss: str = "val_loss") -> Record:
    """The first of the records with the lowest loss."""
    return min(records, key=lambda record: record[loss])


def _why_ended(settings: TrainingSettings, records: list[Record]) -> str | None:
    """Why training ends after these epochs; None: it goes on."""
    since = len(records) - _best_of(records)["epoch"] if records else 0
    if settings.patience and since >= settings.patience:
        return "patience"
    return "max_epochs" if len(records) == settings.max_epochs else None


def _result(training: Training, records: list[Record], stopped: str) -> FoldResult:
    """Sums up a training that has ended, for the reason `stopped`, after these epochs."""
    best, validation = _best_of(records), training.validation
    steps = len(records) * training.steps
    seconds = sum(record["seconds"] for record in records)
    return FoldResult(
        best_epoch=int(best["epoch"]),
        train_loss=best["train_loss"],
        train_accuracy=best["train_accuracy"],
        val_loss=best["val_loss"],
        val_accuracy=best["val_accuracy"],
        epochs=len(records),
        stopped=stopped,
        choices={name: _choice(records, name, validation) for name in validation},
        passes_per_epoch=passes_per_epoch(training.settings, len(training.train)),
        steps=steps,
        selected_by=training.select,
        batch_size=training.batch_size,
        initial=InitialWeights(**training.programs.initial),
        num_train=len(training.train),
        num_val=len(validation[training.select]),
        seconds=seconds,
        images_per_second=steps * training.batch_size / seconds,
        made_by=training.made_by,
    )


def _choice(records: list[Record], by: str, names: Iterable[str]) -> Choice:
    """The epoch that the validation set `by` would have chosen, scored on the sets `names`."""
    record = _best_of(records, f"{by}_loss")
    scores = {name: SetScores(record[f"{name}_loss"], record[f"{name}_accuracy"]) for name in names}
    return Choice(int(record["epoch"]), scores)


def _resumable(state: State, best: Variables, batch_size: int) -> Variables:
    """What resume/ holds; the rest of the state follows from settings and seed."""
    return {
        "step": state.step,
        **state.variables,
        "opt_state": state.opt_state,
        "best": best,
        "batch_size": np.int32(batch_size),
    }


def _resume(training: Training, key: jax.Array, rates: Rates) -> Progress | None:
    """Reads the last checkpoint in resume/; None where there is none to go on from.

    Earlier versions made smaller batches on some numbers of devices, which were another training:
    its checkpoint is deleted.
    """
    folder, batch_size = training.folder, training.batch_size
    if folder is None:
        return None
    like = jax.eval_shape(training.programs.init, key, rates)
    found = checkpoint.resume(folder / "resume", _resumable(like, like.variables, batch_size))
    if found is None:
        return None
    refuse_others(folder / "resume", found.notes.get("made_by", ""), training.made_by)
    records = found.notes.get("records")
    if records is None:  # a checkpoint of an earlier version
        records = records_until(folder / LOG, "epoch", found.step)
    state = dict(found.state)
    best, saved_batch_size = state.pop("best"), state.pop("batch_size")
    if saved_batch_size != batch_size or len(records) < found.step:
        shutil.rmtree(folder / "resume")
        return None
    return Progress(State(key=key, rates=rates, **state), best, records)


def _finish(folder: pathlib.Path, best: Variables, result: FoldResult) -> FoldResult:
    """Writes the best weights, then the result, which it returns with the files' digests.

    It is safe to repeat after a kill in between.
    """
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    weights = checkpoint.save(folder / "checkpoint", result.best_epoch, best, keep=1)
    log = sha256_of(folder / LOG)
    result = dataclasses.replace(result, weights=weights, log=log)
    result.write(folder / "result.json")
    remove_resume(folder)
    return result


def remove_resume(folder: pathlib.Path) -> None:
    """Removes what a finished training would have gone on from, and what is left of that."""
    # Renamed first: a resume/ that a kill leaves half deleted must not be resumed from.
    ended = folder / "ended"
    shutil.rmtree(ended, ignore_errors=True)
    if (folder / "resume").exists():
        shutil.rmtree((folder / "resume").rename(ended), ignore_errors=True)


def check_log(folder: pathlib.Path, result: FoldResult) -> None:
    """Raises Damaged where a finished training's metrics.jsonl is not the one that it wrote."""
    path = folder / LOG
    if not path.exists():
        raise Damaged(path, "is gone")
    if result.log and sha256_of(path) != result.log:
        raise Damaged(path, "is not what the training wrote")
