"""The honest test: every trained network on real images whose files nothing was given before."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from synthmed_jax import best_cells
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import Damaged
from synthmed_jax.evaluation.differences import (
    Answers,
    declared_differences,
    exploratory_differences,
)
from synthmed_jax.evaluation.predictions import FoldPredictions, write_predictions
from synthmed_jax.evaluation.quality import measure_quality
from synthmed_jax.evaluation.scores import score, summarise
from synthmed_jax.files import read_array, sha256, write_array
from synthmed_jax.progress import progress_over
from synthmed_jax.results.cells import Cell, FoldResult
from synthmed_jax.results.evaluation import CellScores, Evaluation, FoldScores, TestScores
from synthmed_jax.statistics.group_bootstrap import accuracy_interval_over_groups
from synthmed_jax.statistics.intervals import accuracy_interval

# Images u8[N,S,S,C] -> probabilities f32[N,K].
Predict = Callable[[np.ndarray], np.ndarray]
# (cell, fold) -> how its training ended, and a function that loads the trained network.
Trained = Callable[[Cell, int], tuple[FoldResult, Callable[[], Predict]]]


@dataclasses.dataclass(frozen=True)
class References:
    """What test scores are held against.

    Attributes:
      val: real images of the classifiers' size that temperatures are fitted on; may be empty.
      trained_shares: cell -> f[K], shares of the classes in its training set.
      expected_shares: f[K], those of `fit`.
      groups: i64[N], groups of the test images, two or more in all; None: images are independent.
      margin: of the first estimand.
      of_folds: see `Answers`.
    """

    val: ImageSet
    trained_shares: Mapping[Cell, np.ndarray]
    expected_shares: np.ndarray
    groups: np.ndarray | None
    margin: float
    of_folds: bool


def evaluate_cells(
    test: ImageSet,
    cells: Sequence[Cell],
    num_trainings: int,
    trained: Trained,
    directory: pathlib.Path,
    dataset: str,
    seed: int,
    references: References,
) -> tuple[Evaluation, dict[Cell, np.ndarray]]:
    """Tests every training of every cell; writes metrics.json and predictions.csv.

    The probabilities of a cell are kept in cells/<cell>.npy, f32[folds,N,K] (those of the val
    images in cells/<cell>_val.npy), and read from there by later calls with the same weights, so
    that only cells that were added are predicted.

    Args:
      test: the N real test images, at the size that the networks see.
      cells: what is tested, at least one of them of the synthetic arm.
      num_trainings: of every cell: folds, or seeds.
      trained: finds one training.
      directory: receives the files.
      dataset: name of the data set, for metrics.json.
      seed: of the classifiers, for metrics.json, and of the draws behind intervals.
      references: what scores are held against.

    Returns:
      What metrics.json holds, and cell -> f64[N], the share of its networks that are right on each
      test image.
    """
    scored = _over_groups(
        score_cells(test, cells, num_trainings, trained, directory, references), references, seed
    )
    write_predictions(directory / "predictions.csv", test, scored.predictions)
    answers = Answers(scored.hits, test.labels, references.groups, references.of_folds, seed)
    evaluation = Evaluation(
        dataset=dataset,
        seed=seed,
        class_names=test.class_names,
        num_test=len(test),
        cells=scored.cells,
        best=best_cells.network(scored.cells),
        declared=declared_differences(scored.cells, answers, references.margin),
        differences=exploratory_differences(scored.cells, answers),
    )
    evaluation.write(directory / "metrics.json")
    return evaluation, scored.hits


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """What networks score on one set of images.

    Attributes:
      cells: in the order in which they were given.
      predictions: of every training of every cell.
      hits: cell -> f64[N], the share of its networks that are right on each image.
    """

    cells: tuple[CellScores, ...]
    predictions: list[FoldPredictions]
    hits: dict[Cell, np.ndarray]


def score_cells(
    test: ImageSet,
    cells: Sequence[Cell],
    num_trainings: int,
    trained: Trained,
    directory: pathlib.Path,
    references: References,
    kept_as: str = "",
) -> Scored:
    """Scores every training of every cell.

    Args:
      test: the N real images, at the size that the networks see.
      cells, num_trainings, trained, references: as of `evaluate_cells`; groups are not used.
      directory: receives the probabilities, as of `evaluate_cells`.
      kept_as: end of the name of their files; other images with the same names of files need
        another one.
    """
    cell_scores, predictions, hits = [], [], {}
    for cell in progress_over(cells, description="evaluate", unit="cell"):
        results, networks = zip(
            *(trained(cell, fold) for fold in range(num_trainings)), strict=True
        )
        stored = directory / "cells" / "_".join(cell.texts.values())
        probabilities = _probabilities(f"{stored}{kept_as}.npy", results, networks, test)
        on_val = None
        if len(references.val):
            on_val = _probabilities(f"{stored}_val.npy", results, networks, references.val)
        predictions += [FoldPredictions(cell, k, p) for k, p in enumerate(probabilities)]
        folds = tuple(
            _fold_scores(fold, result, score(probabilities[fold], test.labels))
            for fold, result in enumerate(results)
        )
        hits[cell] = (probabilities.argmax(axis=2) == test.labels).mean(axis=0)
        mean, std = summarise(folds)
        cell_scores.append(
            CellScores(
                **dataclasses.asdict(cell),
                folds=folds,
                mean=mean,
                std=std,
                accuracy_interval=accuracy_interval(mean.test_accuracy, len(test)),
                quality=measure_quality(
                    probabilities,
                    test.labels,
                    test.class_names,
                    on_val,
                    references.val.labels,
                    references.trained_shares[cell],
                    references.expected_shares,
                ),
            )
        )
    return Scored(tuple(cell_scores), predictions, hits)


def _over_groups(scored: Scored, references: References, seed: int) -> Scored:
    """With intervals of accuracies that heed which test images are alike."""
    if references.groups is None:
        return scored
    intervals = [
        accuracy_interval_over_groups(scored.hits[each.cell], references.groups, seed)
        for each in scored.cells
    ]
    cells = tuple(
        dataclasses.replace(each, accuracy_interval=interval)
        for each, interval in zip(scored.cells, intervals, strict=True)
    )
    return dataclasses.replace(scored, cells=cells)


def _probabilities(
    path: str,
    results: Sequence[FoldResult],
    networks: Sequence[Callable[[], Predict]],
    images: ImageSet,
) -> np.ndarray:
    """f32[folds,N,K], read where they are known and else predicted and kept."""
    stored, made_of = pathlib.Path(path), _digest_of(results, images)
    known = _read(stored, made_of)
    if known is not None:
        return known
    probabilities = np.stack([predict()(images.images) for predict in networks])
    write_array(stored, probabilities, made_of)
    return probabilities


def _digest_of(results: Sequence[FoldResult], images: ImageSet) -> str:
    """Digest of what a cell's probabilities are computed from: weights, and which images."""
    labels = np.asarray(images.labels).tolist()
    made_of = [[result.weights for result in results], list(images.files), labels]
    return sha256(json.dumps(made_of).encode())


def _read(stored: pathlib.Path, made_of: str) -> np.ndarray | None:
    """Reads probabilities; None where there are none, or damaged ones, or those of others."""
    try:
        probabilities, of = read_array(stored)
    except FileNotFoundError:
        return None
    except Damaged as error:
        print(f"{error}: it is computed again", flush=True)
        return None
    return probabilities if of in (None, made_of) else None


def _fold_scores(fold: int, result: FoldResult, on_test: TestScores) -> FoldScores:
    return FoldScores(
        train_loss=result.train_loss,
        train_accuracy=result.train_accuracy,
        val_loss=result.val_loss,
        val_accuracy=result.val_accuracy,
        test_loss=on_test.loss,
        test_accuracy=on_test.accuracy,
        precision=on_test.precision,
        recall=on_test.recall,
        f1=on_test.f1,
        balanced_accuracy=on_test.balanced_accuracy,
        fold=fold,
        confusion=on_test.confusion,
    )
