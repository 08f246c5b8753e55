"""The stage that trains the classifiers: every network on every arm, fold by fold."""

from __future__ import annotations

import pathlib

from synthmed_jax.arms import ARMS
from synthmed_jax.classifiers import cross_validate
from synthmed_jax.results.cells import Cell
from synthmed_jax.stages import base, generate, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# They add cells and redo nothing.
CELL_FIELDS = ("classifier.backbones", "classifier.backbone", "classifier.arms")


_DEPTH = 4  # of a fold's folder: <backbone>/<arm>/<cell>/fold<k>


def cells(run: Run) -> list[Cell]:
    """What is trained: every network on every arm."""
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    sizes = {arm: ARMS[arm].sizes(materials) for arm in settings.arms}
    return [
        Cell(backbone, arm, sizes[arm].n, sizes[arm].ratio, settings.seed)
        for backbone in settings.backbones
        for arm in settings.arms
    ]


def cell_paths(run: Run) -> tuple[str, ...]:
    """The stage's units."""
    return tuple(cell.path for cell in cells(run))


def _check(run: Run) -> None:
    """Whether every cell can be cross-validated, known before anything is trained."""
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    num_val = len(materials.parts.val)
    for cell in cells(run):
        sizes = ARMS[cell.arm].sizes(materials)
        cross_validate.check(
            settings, cell, sizes.labels, materials.class_names, num_val, sizes.groups
        )


def _run(run: Run) -> None:
    """Trains every fold of every cell that has no result yet."""
    inputs = run.inputs
    for cell in cells(run):
        training_set = ARMS[cell.arm].build(inputs.materials)
        cross_validate.cross_validate(
            run.compiled.programs_of(cell.backbone),
            run.settings.classifier,
            cell,
            inputs.at_network_size(training_set.images),
            inputs.at_network_size(inputs.parts.val),
            run.workdir.classify,
            training_set.groups,
            base.fingerprint(run, STAGE).digest,
        )


def _forget(run: Run, path: pathlib.Path) -> None:
    """Removes the fold whose file is damaged: it is trained again."""
    classify = run.workdir.classify
    base.remove(classify.joinpath(*path.relative_to(classify).parts[:_DEPTH]))


def timer(run: Run, backbone: str) -> timing.ClassifierTimer:
    """Times one network."""
    programs = run.compiled.programs_of(backbone)
    return timing.ClassifierTimer(run, backbone, programs, run.settings.classifier)


def _expect(run: Run) -> float:
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    num_val, seconds = len(materials.parts.val), 0.0
    for cell in cells(run):
        size = len(ARMS[cell.arm].sizes(materials).labels)
        folders = [cell.folder(run.workdir.classify, fold) for fold in range(settings.folds)]
        left = sum(timing.share_left(folder, settings) for folder in folders)
        num_train = size * (settings.folds - 1) // settings.folds
        if left:
            one = timer(run, cell.backbone).seconds_per_training(
                num_train, size - num_train + num_val
            )
            seconds += left * one
    return seconds


def weights_digest(run: Run) -> dict[str, str]:
    """The file that training starts from, where it is the user's own."""
    sha256 = run.inputs.weights_sha256
    return {"weights": sha256} if sha256 else {}


STAGE = Stage(
    "classify",
    _run,
    fields=("classifier.",),
    ignored=CELL_FIELDS,
    inputs=(split.STAGE, generate.STAGE),
    digests=weights_digest,
    units=cell_paths,
    adds=True,
    check=_check,
    expect=_expect,
    ends=("result.json",),
    forget=_forget,
)
