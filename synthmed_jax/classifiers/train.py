"""Training of one classifier: epochs, early stopping, checkpoints and resume."""

from __future__ import annotations

import pathlib
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from synthmed_jax import checkpoint, parallel
from synthmed_jax.classifiers import placement
from synthmed_jax.classifiers.networks.backbone import Variables
from synthmed_jax.classifiers.placement import Placed
from synthmed_jax.classifiers.programs import Programs, State
from synthmed_jax.classifiers.rates import Rates
from synthmed_jax.classifiers.settings import (
    ClassifierSettings,
    batch_of,
    make_rates,
    passes_per_epoch,
    steps_of,
)
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.files import write_json
from synthmed_jax.metrics_log import MetricsLog, read_metrics
from synthmed_jax.parallel import Tree
from synthmed_jax.progress import progress_bar

# Between two saved epochs. A short training ends sooner, and has no resume/.
SAVE_SECONDS = 300.0

Record = dict[str, float]
_SCORES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


class Progress(NamedTuple):
    """A training after some epochs.

    Attributes:
      state: what the next epoch starts from.
      best: variables of the epoch with the lowest validation loss, as numpy arrays; empty before.
      records: one per epoch, as in metrics.jsonl.
    """

    state: State
    best: Variables
    records: list[Record]


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
) -> tuple[Variables, dict[str, Any]]:
    """Trains one network, keeping the weights of the lowest validation loss.

    Args:
      programs: the network's.
      seed: of its weights and batches.
      train: at `settings.image_size`.
      validation: sets by name whose loss and accuracy are measured after each epoch.
      select: the name of the set whose loss decides.
      description: of the progress bar.
      folder: where metrics.jsonl, resume/ (from which an interrupted training goes on; deleted at
        its end), checkpoint/ and, last, result.json are written; None: nothing is written.
      report: called with every epoch's record.

    Returns:
      ({"params", "batch_stats"}, result): the best epoch's variables as numpy arrays, its losses
      and accuracies ("val_" are those of the selected set), how training ended, and as "choices"
      what the epoch scored that each set would have chosen.

    Raises:
      UserError: too few training images, or a resume/ that is damaged.
      Diverged: a loss that is no longer finite.
    """
    batch_size = batch_of(settings, len(train))
    if batch_size == 0:
        devices = parallel.device_count()
        raise UserError(f"{description}: {len(train)} training images for {devices} devices")
    steps = steps_of(settings, len(train))
    key, rates = jax.random.key(seed), make_rates(settings, steps)
    augmentation = Augmentation(settings.flips, settings.shift)
    placed = placement.place(train, validation, batch_size, seed, augmentation)
    progress = _resume(folder, programs, key, rates, batch_size) if folder else None
    state, best, records = progress or Progress(programs.init(key, rates), {}, [])
    if folder:
        log = MetricsLog(folder / "metrics.jsonl", resume_at=len(records), counter="epoch")
    saved = time.monotonic()
    bar = progress_bar(
        description=description,
        total=settings.max_epochs * steps * batch_size,
        initial=len(records) * steps * batch_size,
        unit="image",
    )
    with bar:
        while not _why_ended(settings, records):
            started = time.monotonic()
            seen = []
            for n in range(len(records) * steps, (len(records) + 1) * steps):
                state, metrics = programs.step(state, placed.batches[n], placed.resident)
                seen.append(metrics)
                bar.update(batch_size)
            scores = _score(programs, state, seen, placed, validation)
            record = _record(len(records) + 1, scores, select, time.monotonic() - started)
            if not np.isfinite([record["train_loss"], record["val_loss"]]).all():
                raise Diverged(
                    f"{description}: the loss is no longer finite in epoch {len(records) + 1}; "
                    "lower config.classifier.learning_rate, in a new --workdir"
                )
            records.append(record)
            if _best_of(records) is record:
                best = jax.tree.map(np.array, state.variables)
            report(record)
            bar.set_postfix(val_loss=f"{record['val_loss']:.4f}", refresh=False)
            if folder:
                log.write(**record)
            if folder and time.monotonic() - saved > SAVE_SECONDS:
                to_save = _to_save(state, best, batch_size)
                checkpoint.save(folder / "resume", len(records), to_save, keep=1)
                saved = time.monotonic()
    seconds = sum(record["seconds"] for record in records)
    result = {
        **_outcome(settings, records, validation),
        "passes_per_epoch": passes_per_epoch(settings, len(train) // batch_size),
        "steps": len(records) * steps,
        "selected_by": select,
        "batch_size": batch_size,
        "initial": programs.initial,
        "num_train": len(train),
        "num_val": len(validation[select]),
        "seconds": seconds,
        "images_per_second": len(records) * steps * batch_size / seconds,
    }
    if folder:
        _finish(folder, best, result)
    return best, result


def _score(
    programs: Programs,
    state: State,
    seen: list[dict[str, jax.Array]],
    placed: Placed,
    validation: Mapping[str, ImageSet],
) -> Record:
    """Loss and accuracy: "train_..." in the steps of an epoch, "<set>_..." of every set after."""
    means = jax.tree.map(lambda *v: float(np.mean(v)), *jax.device_get(seen))
    scores = {f"train_{name}": mean for name, mean in means.items()}
    for name, (images, resident) in placed.validation.items():
        probabilities = programs.predict(state.variables, images, resident=resident)
        labels = validation[name].labels
        of_label = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
        scores[f"{name}_loss"] = float(-np.log(of_label).mean())
        scores[f"{name}_accuracy"] = float((probabilities.argmax(-1) == labels).mean())
    return scores


def _record(epoch: int, scores: Record, select: str, seconds: float) -> Record:
    chosen = {f"val_{what}": scores[f"{select}_{what}"] for what in ("loss", "accuracy")}
    return {"epoch": epoch, **scores, **chosen, "seconds": seconds}


def _best_of(records: list[Record], loss: str = "val_loss") -> Record:
    """The first of the records with the lowest loss."""
    return min(records, key=lambda record: record[loss])


def _why_ended(settings: ClassifierSettings, records: list[Record]) -> str | None:
    """Why no epoch follows these, or None: one does."""
    if records and len(records) - _best_of(records)["epoch"] >= settings.patience:
        return "patience"
    return "max_epochs" if len(records) == settings.max_epochs else None


def _outcome(
    settings: ClassifierSettings, records: list[Record], validation: Mapping[str, ImageSet]
) -> dict[str, Any]:
    """What a result says that follows from the epochs alone."""
    best = _best_of(records)
    choices = {}
    for by in validation:
        record = _best_of(records, f"{by}_loss")
        scores = {
            name: {"loss": record[f"{name}_loss"], "accuracy": record[f"{name}_accuracy"]}
            for name in validation
        }
        choices[by] = {"epoch": record["epoch"], "scores": scores}
    return {
        "best_epoch": best["epoch"],
        **{name: best[name] for name in _SCORES},
        "epochs": len(records),
        "stopped": _why_ended(settings, records),
        "choices": choices,
    }


def _to_save(state: State, best: Variables, batch_size: int) -> dict[str, Tree]:
    """What a training goes on from; the rest of its state follows from settings and seed."""
    return {
        "step": state.step,
        **state.variables,
        "opt_state": state.opt_state,
        "best": best,
        "batch_size": np.int32(batch_size),
    }


def _resume(
    folder: pathlib.Path, programs: Programs, key: jax.Array, rates: Rates, batch_size: int
) -> Progress | None:
    """The last epoch that was saved, or None.

    With another number of devices the batches may have another size; what was saved then belongs to
    another training, and is deleted.
    """
    epochs = checkpoint.latest_step(folder / "resume")
    if epochs is None:
        return None
    records = read_metrics(folder / "metrics.jsonl")[:epochs]
    if len(records) < epochs:
        raise UserError(
            f"{folder}/metrics.jsonl lacks epochs that resume/ beside it has seen: delete resume/, "
            "and this training starts again"
        )
    like = jax.eval_shape(programs.init, key, rates)
    saved = checkpoint.restore(folder / "resume", _to_save(like, like.variables, batch_size))
    best, saved_batch_size = saved.pop("best"), saved.pop("batch_size")
    if saved_batch_size != batch_size:
        shutil.rmtree(folder / "resume")
        return None
    return Progress(State(key=key, rates=rates, **saved), best, records)


def _finish(folder: pathlib.Path, best: Variables, result: dict[str, Any]) -> None:
    """Writes the best weights and then the result; if killed between, it can be called again."""
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    checkpoint.save(folder / "checkpoint", result["best_epoch"], best, keep=1)
    write_json(folder / "result.json", result)
    # Renamed first, so that a half-deleted folder is not taken for one to go on from.
    ended = folder / "ended"
    shutil.rmtree(ended, ignore_errors=True)
    if (folder / "resume").exists():
        shutil.rmtree((folder / "resume").rename(ended), ignore_errors=True)
