"""The trainings of one cell: one per seed on all of its images, or a cross-validation of them."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from synthmed_jax import checkpoint
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.rates import Rates
from synthmed_jax.classifiers.settings import SELECTIONS, TrainingSettings
from synthmed_jax.classifiers.train import Training, check_log, remove_resume
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import UserError
from synthmed_jax.made_by import refuse_others
from synthmed_jax.parallel import Tree
from synthmed_jax.results.cells import Cell, FoldResult

# Between the seeds of a cell's trainings, so that cells of neighbouring seeds share none.
SEED_STRIDE = 1000


def unfinished(
    programs: Programs,
    settings: TrainingSettings,
    cell: Cell,
    images: ImageSet,
    real_val: ImageSet,
    classify: pathlib.Path,
    groups: np.ndarray | None = None,
    made_by: str = "",
    augmentation: Augmentation | None = None,
    relabel: Callable[[ImageSet, int], ImageSet] | None = None,
    events: pathlib.Path | None = None,
    take: Callable[[pathlib.Path], bool] = lambda folder: True,
) -> Iterator[Training]:
    """Yields every training that has no result.json yet, which is the last file of each.

    Args:
      programs: the network's compiled functions.
      settings: with `seeds`, so many trainings on all images; else one per fold of a stratified
        cross-validation (paper section 4.5).
      cell: network and training set, as names of folders.
      images: the training set, N images at `settings.image_size`.
      real_val: `val` at that size; may be empty, unless `settings.selection` asks for it.
      classify: folder of the stage `classify`.
      groups: i64[N], the group of each image; no group (of one patient's images, say) is divided
        between folds. None: there are no groups.
      made_by: digest of the settings and inputs, which every result says.
      augmentation: of the training images; None: the settings' own flips and shift.
      relabel: (images, seed of the training) -> the images with other labels, of a control that
        must learn nothing: also of the images that it is chosen on, or an epoch that happens to
        agree with the right ones would be taken. None: labels are right.
      events: receives the event files of TensorBoard, in folders as those below `classify`; None:
        there are none.
      take: folder of a training -> whether it is this process's to look at, and to make; asked when
        its turn comes.

    Raises:
      UserError: see `check`; or a result is there that was made with other settings.
      Damaged: the log of a finished training is not the one that it wrote.
    """
    check(settings, cell, images.labels, images.class_names, len(real_val), groups)
    select = SELECTIONS[settings.selection]
    parts = _parts(settings, images, groups)
    for k, (name, (train, left_out)) in enumerate(zip(settings.trainings, parts, strict=True)):
        folder = cell.folder(classify, name)
        if not take(folder):
            continue
        known = FoldResult.read_if_there(folder / "result.json")
        if known is not None:
            refuse_others(folder / "result.json", known.made_by, made_by)
            check_log(folder, known)
            remove_resume(folder)
            continue
        seed = settings.seed + SEED_STRIDE * k
        validation = {"fold": images.subset(left_out), "real_val": real_val}
        sets = {"train": images.subset(train)}
        sets |= {name: each for name, each in validation.items() if len(each)}
        if relabel is not None:
            sets = {name: relabel(each, seed) for name, each in sets.items()}
        yield Training(
            programs,
            settings,
            seed,
            sets.pop("train"),
            sets,
            select,
            f"{cell.backbone} {cell.arm} {name}",
            folder=folder,
            made_by=made_by,
            augmentation=augmentation,
            events=None if events is None else events / folder.relative_to(classify),
        )


def check(
    settings: TrainingSettings,
    cell: Cell,
    labels: np.ndarray,
    class_names: Sequence[str],
    num_real_val: int,
    groups: np.ndarray | None = None,
) -> None:
    """Checks that a cell can be trained, before hours are spent on it.

    Args:
      labels: i[N], of the training set.
      class_names: in the order of the labels.
      num_real_val: number of `val` images.
      groups: i64[N], as in `unfinished`.

    Raises:
      UserError: a class without images; with folds, one with fewer images than folds, or in too few
        groups; no `val` image where `settings.selection` asks for some.
    """
    if SELECTIONS[settings.selection] == "real_val" and not num_real_val:
        raise UserError(
            "config.classifier.selection=val, but val is empty: set config.split.val_fraction=0.1"
        )
    least = 1 if settings.seeds else settings.folds
    units = np.arange(len(labels)) if groups is None else groups
    noun = "images" if groups is None else "groups (config.split.group_by)"
    for label, name in enumerate(class_names):
        count = len(np.unique(units[labels == label]))
        if count < least and settings.seeds:
            raise UserError(
                f"{cell.path}: {name} has no image to train on; enlarge config.split.fraction"
            )
        if count < least:
            raise UserError(
                f"{cell.path}: {settings.folds} folds need that many {noun} per class, {name} has "
                f"{count}; lower config.classifier.folds (2 at least), or "
                "enlarge config.split.fraction"
            )


def _parts(
    settings: TrainingSettings, images: ImageSet, groups: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields for each training the indices i64[...] of its images, and of those it leaves out."""
    if settings.seeds:
        for _ in range(settings.seeds):
            yield np.arange(len(images)), np.arange(0)
        return
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(settings.folds, shuffle=True, random_state=settings.seed)
    yield from folds.split(images.labels, images.labels, groups)


def load_variables(programs: Programs, folder: pathlib.Path) -> dict[str, Tree]:
    """Reads the {"params", "batch_stats"} that a training has written to a folder.

    Raises:
      Damaged: the folder holds no complete checkpoint, or a damaged one.
    """
    state = jax.eval_shape(programs.init, jax.random.key(0), Rates(*[jnp.zeros(())] * 5))
    return checkpoint.restore(folder / "checkpoint", state.variables).state
