"""Training of one classifier: epochs, early stopping, checkpoints and resume."""

from __future__ import annotations

import pathlib
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from synthmed_jax import checkpoint, runlog
from synthmed_jax.classifiers import placement
from synthmed_jax.classifiers.programs import Programs, State
from synthmed_jax.classifiers.settings import (
    ClassifierSettings,
    batch_of,
    make_rates,
    passes_per_epoch,
    steps_of,
)
from synthmed_jax.data.images import ImageSet
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.errors import Diverged, UserError

# Between two saved epochs. A small network's training ends sooner, and is saved once.
SAVE_SECONDS = 300.0

Record = dict[str, float]


def train_fold(
    programs: Programs,
    settings: ClassifierSettings,
    seed: int,
    train: ImageSet,
    validation: Mapping[str, ImageSet],
    select: str,
    description: str,
    *,
    folder: pathlib.Path | None = None,
    report: Callable[[Record], None] = lambda record: None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains one network, keeping the weights of the lowest validation loss.

    Args:
      programs: the network's.
      seed: of its weights and batches.
      train: at `settings.image_size`.
      validation: sets by name whose loss and accuracy are measured after each epoch.
      select: the name of the set whose loss decides.
      description: of the progress bar.
      folder: receives metrics.jsonl, resume/ (from which a training that was broken off goes on,
        until it has ended), checkpoint/ and last result.json; None: nothing is written.
      report: is told every epoch's record.

    Returns:
      ({"params", "batch_stats"}, result): the best epoch's variables as numpy arrays, its losses
      and accuracies ("val_" are those of the selected set), how training ended, and as "choices"
      what the epoch scored that each set would have chosen.

    Raises:
      UserError: too few training images.
      Diverged: a loss that is no longer finite.
    """
    batch_size = batch_of(settings, len(train))
    if batch_size == 0:
        devices = jax.local_device_count()
        raise UserError(f"{description}: {len(train)} training images for {devices} devices")
    steps = steps_of(settings, len(train))
    augmentation = Augmentation(settings.flips, settings.shift)
    placed = placement.place(train, validation, batch_size, seed, augmentation)
    state = programs.init(jax.random.key(seed), make_rates(settings, steps))
    best: dict[str, Any] = {}
    records: list[Record] = []
    log = None
    if folder is not None:
        state, best, records = _resume(folder, state)
        log = runlog.MetricsLog(folder / "metrics.jsonl", resume_at=len(records), counter="epoch")
    saved = time.monotonic()
    bar = runlog.progress(
        description=description,
        total=settings.max_epochs * steps * batch_size,
        initial=len(records) * steps * batch_size,
        unit="image",
    )
    with bar:
        while not _why_ended(settings, records):
            started, seen = time.monotonic(), []
            for n in range(len(records) * steps, (len(records) + 1) * steps):
                state, metrics = programs.step(state, placed.batches[n], placed.kept)
                seen.append(metrics)
                bar.update(batch_size)
            means = jax.tree.map(lambda *v: float(np.mean(v)), *jax.device_get(seen))
            scores = _validate(programs, state, placed, validation)
            record: Record = {
                "epoch": len(records) + 1,
                "train_loss": means["loss"],
                "train_accuracy": means["accuracy"],
                "val_loss": scores[f"{select}_loss"],
                "val_accuracy": scores[f"{select}_accuracy"],
                **scores,
                "seconds": time.monotonic() - started,
            }
            if not np.isfinite([record["train_loss"], record["val_loss"]]).all():
                raise Diverged(
                    f"{description}: the loss is no longer finite in epoch {record['epoch']}; "
                    "lower config.classifier.learning_rate, in a new --workdir"
                )
            records.append(record)
            if _best_of(records) is record:
                best = jax.tree.map(np.array, _variables(state))
            report(record)
            bar.set_postfix(val_loss=f"{record['val_loss']:.4f}", refresh=False)
            if folder is not None and log is not None:
                log.write(**record)
                if time.monotonic() - saved > SAVE_SECONDS:
                    checkpoint.save(folder / "resume", len(records), _kept(state, best), keep=1)
                    saved = time.monotonic()
    seconds = sum(record["seconds"] for record in records)
    chosen = _best_of(records)
    result = {
        "best_epoch": int(chosen["epoch"]),
        **{name: chosen[name] for name in _SCORES},
        "epochs": len(records),
        "passes_per_epoch": passes_per_epoch(settings, len(train) // batch_size),
        "steps": len(records) * steps,
        "stopped": _why_ended(settings, records),
        "selected_by": select,
        "choices": {name: _choice(records, name, validation) for name in validation},
        "batch_size": batch_size,
        "initial": programs.initial,
        "num_train": len(train),
        "num_val": len(validation[select]),
        "seconds": seconds,
        "images_per_second": len(records) * steps * batch_size / seconds,
    }
    if folder is not None:
        checkpoint.save(folder / "checkpoint", int(chosen["epoch"]), best, keep=1)
        runlog.write_json(folder / "result.json", result)
        shutil.rmtree(folder / "resume", ignore_errors=True)
    return best, result


_SCORES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def _variables(state: State) -> dict[str, Any]:
    return {"params": state.params, "batch_stats": state.batch_stats}


def _kept(state: State, best: Any) -> dict[str, Any]:
    """What a training goes on from; the rest of its state follows from settings and seed."""
    return {
        "step": state.step,
        "params": state.params,
        "batch_stats": state.batch_stats,
        "opt_state": state.opt_state,
        "best": best,
    }


def _resume(folder: pathlib.Path, state: State) -> tuple[State, dict[str, Any], list[Record]]:
    """The state, the best variables and the records of the epochs that were saved."""
    epochs = checkpoint.latest_step(folder / "resume") or 0
    if not epochs:
        return state, {}, []
    records = runlog.read_metrics(folder / "metrics.jsonl")[:epochs]
    if len(records) < epochs:
        raise UserError(
            f"{folder}/metrics.jsonl lacks epochs that resume/ beside it has seen: delete resume/, "
            "and this training starts again"
        )
    kept = checkpoint.restore(folder / "resume", _kept(state, _variables(state)))
    best = kept.pop("best")
    return state._replace(**kept), best, records


def _best_of(records: list[Record], loss: str = "val_loss") -> Record:
    """The first of the records with the lowest loss."""
    return min(records, key=lambda record: record[loss])


def _why_ended(settings: ClassifierSettings, records: list[Record]) -> str | None:
    """Why no epoch follows these, or None: one does."""
    if records and len(records) - _best_of(records)["epoch"] >= settings.patience:
        return "patience"
    return "max_epochs" if len(records) == settings.max_epochs else None


def _validate(
    programs: Programs,
    state: State,
    placed: placement.Placed,
    validation: Mapping[str, ImageSet],
) -> Record:
    """Loss and accuracy of every set, as "<set>_loss" and "<set>_accuracy"."""
    scores = {}
    for name, (images, kept) in placed.validation.items():
        probabilities = programs.predict(_variables(state), images, kept=kept)
        labels = validation[name].labels
        own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
        scores[f"{name}_loss"] = float(-np.log(own).mean())
        scores[f"{name}_accuracy"] = float((probabilities.argmax(-1) == labels).mean())
    return scores


def _choice(records: list[Record], by: str, validation: Mapping[str, ImageSet]) -> dict[str, Any]:
    """The epoch that a set's loss chooses, and what every set scored there."""
    record = _best_of(records, f"{by}_loss")
    scores = {
        name: {"loss": record[f"{name}_loss"], "accuracy": record[f"{name}_accuracy"]}
        for name in validation
    }
    return {"epoch": record["epoch"], "scores": scores}
