"""Cells of an evaluation, made up."""

import dataclasses
import math

from synthmed_jax.results.evaluation import CellScores, FoldScores, Scores
from synthmed_jax.statistics.intervals import Interval

SCORES = Scores(0.1, 0.98, 0.2, 0.97, 0.7, 0.8, 0.81, 0.82, 0.83, 0.84)


def cell(*val_losses, backbone="resnet18", arm="synthetic", n=8, ratio=math.inf, seed=0, test=0.8):
    """A cell with a fold for each validation loss."""
    folds = tuple(
        FoldScores(**dataclasses.asdict(SCORES) | {"val_loss": loss}, fold=k, confusion=())
        for k, loss in enumerate(val_losses or (0.2,))
    )
    mean = dataclasses.replace(SCORES, test_accuracy=test)
    interval = Interval(test - 0.05, test + 0.05, 0.95, "made up")
    return CellScores(backbone, arm, n, ratio, seed, folds, mean, None, interval)
