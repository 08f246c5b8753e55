"""Stratified k-fold cross-validation of one network on one training set (paper section 4.5)."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from synthmed_jax import checkpoint
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.rates import Rates
from synthmed_jax.classifiers.settings import SELECTIONS, TrainingSettings
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.made_by import refuse_others
from synthmed_jax.parallel import Tree
from synthmed_jax.results.cells import Cell, FoldResult


def cross_validate(
    programs: Programs,
    settings: TrainingSettings,
    cell: Cell,
    images: ImageSet,
    real_val: ImageSet,
    classify: pathlib.Path,
    groups: np.ndarray | None = None,
    made_by: str = "",
) -> None:
    """Trains every fold that has no result.json yet, which is the last file of each fold.

    Args:
      programs: the network's compiled functions.
      cell: network and training set, as names of folders.
      images: the training set, N images at `settings.image_size`.
      real_val: `val` at that size; may be empty, unless `settings.selection` asks for it.
      classify: folder of the stage `classify`.
      groups: i64[N], the group of each image; no group (of one patient's images, say) is divided
        between folds. None: there are no groups.
      made_by: digest of the settings and inputs, which every result says.

    Raises:
      UserError: see `check` and `train_fold`; or a result is there that was made with others.
      Diverged: see `train_fold`.
    """
    check(settings, cell, images.labels, images.class_names, len(real_val), groups)
    select = SELECTIONS[settings.selection]
    for fold, (train, val) in enumerate(_folds(settings, images, groups)):
        folder = cell.folder(classify, fold)
        known = FoldResult.read_if_there(folder / "result.json")
        if known is not None:
            refuse_others(folder / "result.json", known.made_by, made_by)
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
            made_by=made_by,
        )


def check(
    settings: TrainingSettings,
    cell: Cell,
    labels: np.ndarray,
    class_names: Sequence[str],
    num_real_val: int,
    groups: np.ndarray | None = None,
) -> None:
    """Checks that a training set can be cross-validated, before hours are spent on it.

    Args:
      labels: i[N], of the training set.
      class_names: in the order of the labels.
      num_real_val: number of `val` images.
      groups: i64[N], as in `cross_validate`.

    Raises:
      UserError: a class with fewer images than folds, or in too few groups; no `val` image where
        `settings.selection` asks for some.
    """
    if SELECTIONS[settings.selection] == "real_val" and not num_real_val:
        raise UserError(
            "config.classifier.selection=val, but val is empty: set config.split.val_fraction=0.1"
        )
    units = np.arange(len(labels)) if groups is None else groups
    noun = "images" if groups is None else "groups (config.split.group_by)"
    for label, name in enumerate(class_names):
        count = len(np.unique(units[labels == label]))
        if count < settings.folds:
            raise UserError(
                f"{cell.path}: {settings.folds} folds need that many {noun} per class, {name} has "
                f"{count}; lower config.classifier.folds (2 at least), or "
                "enlarge config.split.fraction"
            )


def _folds(
    settings: TrainingSettings, images: ImageSet, groups: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields for each fold the indices i64[...] of its training and of its validation images."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(settings.folds, shuffle=True, random_state=settings.seed)
    yield from folds.split(images.labels, images.labels, groups)


def load_variables(programs: Programs, folder: pathlib.Path) -> dict[str, Tree]:
    """Reads the {"params", "batch_stats"} that `train_fold` has written to a folder.

    Raises:
      Damaged: the folder holds no complete checkpoint, or a damaged one.
    """
    state = jax.eval_shape(programs.init, jax.random.key(0), Rates(*[jnp.zeros(())] * 5))
    return checkpoint.restore(folder / "checkpoint", state.variables).state
