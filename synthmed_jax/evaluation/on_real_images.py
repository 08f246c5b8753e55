"""The honest test: every trained network on the real images that nothing before has seen."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthmed_jax.data import held_out
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation.classification import (
    accuracy_interval,
    best_cell,
    score,
    summarise,
    write_predictions,
)
from synthmed_jax.files import write_json
from synthmed_jax.progress import progress_bar

TRAINING_NUMBERS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")

# (cell, fold) -> (the fold's result.json, images u8[N,S,S,C] -> probabilities f32[N,K])
Trained = Callable[[dict[str, Any], int], tuple[dict[str, Any], Callable[..., np.ndarray]]]


def evaluate_cells(
    split_path: pathlib.Path,
    images: ImageSet,
    resize: Callable[[ImageSet], ImageSet],
    cells: Sequence[dict[str, Any]],
    num_folds: int,
    trained: Trained,
    directory: pathlib.Path,
    facts: dict[str, Any],
) -> None:
    """Tests every fold of every cell on the test part; writes metrics.json and predictions.csv.

    A cell's probabilities are kept in cells/<cell>.npy, so that cells added later are the only ones
    that are predicted.

    Args:
      split_path: split.json.
      images: the whole data set.
      resize: to the size that the networks see.
      cells: {backbone, arm, n, ratio, seed} each.
      num_folds: folds of every cell.
      trained: loads one fold.
      directory: receives the files.
      facts: put at the head of metrics.json (data set, seed).
    """
    test = resize(held_out.read_test(split_path, images))
    scored, rows = [], []
    for cell in progress_bar(cells, description="evaluate", unit="cell"):
        results, predictors = zip(*(trained(cell, fold) for fold in range(num_folds)), strict=True)
        kept = directory / "cells" / ("_".join(str(value) for value in cell.values()) + ".npy")
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = kept.with_suffix(".partial.npy")
            np.save(temporary, np.stack([predict(test.images) for predict in predictors]))
            temporary.replace(kept)
        probabilities = np.load(kept)
        folds = [
            {"fold": fold}
            | {name: result[name] for name in TRAINING_NUMBERS}
            | _on_test(score(probabilities[fold], test.labels))
            for fold, result in enumerate(results)
        ]
        mean, std = summarise(folds)
        interval = accuracy_interval(mean["test_accuracy"] or 0.0, len(test))
        scored.append(
            {**cell, "folds": folds, "mean": mean, "std": std, "accuracy_interval": interval}
        )
        rows += [
            {
                **cell,
                "fold": fold,
                "files": test.files,
                "labels": test.labels,
                "probabilities": probabilities[fold],
            }
            for fold in range(num_folds)
        ]
    write_predictions(directory / "predictions.csv", test.class_names, rows)
    metrics = {
        **facts,
        "class_names": list(test.class_names),
        "num_test": len(test),
        "cells": scored,
        "best": best_cell(scored),
    }
    write_json(directory / "metrics.json", metrics)


def _on_test(scores: dict[str, Any]) -> dict[str, Any]:
    renamed = {"loss": "test_loss", "accuracy": "test_accuracy"}
    return {renamed.get(name, name): value for name, value in scores.items()}
