"""Stratified k-fold cross-validation of one network on one training set (paper section 4.5)."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from synthmed_jax import checkpoint
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.rates import Rates
from synthmed_jax.classifiers.settings import SELECTIONS, ClassifierSettings
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError

ARMS = ("synthetic", "real")


@dataclasses.dataclass(frozen=True, order=True)
class Cell:
    """One cell of the experiment: a network trained on one training set.

    Attributes:
      backbone: the network's name.
      arm: what it is trained on, one of ARMS.
      n: images a class, or "all".
      ratio: synthetic to real images; "inf" where there is no real one, "0" no synthetic one.
      seed: of folds, weights and batches.
    """

    backbone: str
    arm: str
    n: str
    ratio: str
    seed: int

    @property
    def path(self) -> str:
        """Folder below classify/."""
        return f"{self.backbone}/{self.arm}/{self.n}-{self.ratio}-s{self.seed}"


def fold_folder(classify: pathlib.Path, cell: Cell, fold: int) -> pathlib.Path:
    """Folder of one fold of a cell."""
    return classify / cell.path / f"fold{fold}"


def cross_validate(
    programs: Programs,
    settings: ClassifierSettings,
    cell: Cell,
    images: ImageSet,
    real_val: ImageSet,
    classify: pathlib.Path,
    groups: np.ndarray | None = None,
) -> None:
    """Trains every fold that has no result yet; each fold's result.json is written last.

    Args:
      programs: the network's compiled functions.
      images: the training set at `settings.image_size`.
      real_val: `val` at that size; may be empty, unless `settings.selection` asks for it.
      classify: the stage's folder.
      groups: i64[N], those of `images` that are not divided between folds (one patient's), if any.

    Raises:
      UserError: see `check`.
    """
    check(settings, cell, images.labels, images.class_names, len(real_val), groups)
    select = SELECTIONS[settings.selection]
    for fold, (train, val) in enumerate(_folds(settings, images, groups)):
        folder = fold_folder(classify, cell, fold)
        if (folder / "result.json").exists():
            continue
        train_fold(
            programs,
            settings,
            settings.seed + 1000 * fold,
            images.subset(train),
            {"fold": images.subset(val)} | ({"real_val": real_val} if len(real_val) else {}),
            select,
            f"{cell.backbone} {cell.arm} fold {fold}",
            folder=folder,
        )


def check(
    settings: ClassifierSettings,
    cell: Cell,
    labels: np.ndarray,
    class_names: Sequence[str],
    num_real_val: int,
    groups: np.ndarray | None = None,
) -> None:
    """Whether images of these labels can be cross-validated, to be asked before hours are spent.

    Raises:
      UserError: a class with fewer images than folds, or in too few groups; no `val` to select by.
    """
    if SELECTIONS[settings.selection] == "real_val" and not num_real_val:
        raise UserError(
            "config.classifier.selection=val, but val is empty: set config.split.val_fraction=0.1"
        )
    units = np.arange(len(labels)) if groups is None else groups
    noun = "images" if groups is None else "groups (config.split.group_by)"
    for label, name in enumerate(class_names):
        found = len(np.unique(units[labels == label]))
        if found < settings.folds:
            raise UserError(
                f"{cell.path}: {settings.folds} folds need that many {noun} a class, {name} has "
                f"{found}; lower config.classifier.folds"
            )


def _folds(
    settings: ClassifierSettings, images: ImageSet, groups: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices i64[...] of each fold's training images and of those that it leaves out."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(settings.folds, shuffle=True, random_state=settings.seed)
    yield from folds.split(images.labels, images.labels, groups)


def load_variables(programs: Programs, folder: pathlib.Path) -> dict[str, Any]:
    """Reads a trained fold's {"params", "batch_stats"} back."""
    state = jax.eval_shape(programs.init, jax.random.key(0), Rates(*[jnp.zeros(())] * 5))
    return checkpoint.restore(folder / "checkpoint", state.variables)
