"""The stage that trains the classifiers: every network on every arm, training by training."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Callable, Collection, Iterator

from synthmed_jax.arms import ARMS, AUGMENTED, FILTERED, SYNTHETIC, Materials, deal_labels
from synthmed_jax.classifiers import side_by_side, trainings
from synthmed_jax.classifiers.settings import ClassifierSettings
from synthmed_jax.classifiers.train import Training
from synthmed_jax.data.settings import FLIPS, Augmentation
from synthmed_jax.diffusion.settings import DiffusionSettings
from synthmed_jax.results.cells import Cell
from synthmed_jax.stages import base, copy_filter, generate, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# They add cells and redo nothing.
CELL_FIELDS = (
    "classifier.backbones",
    "classifier.backbone",
    "classifier.arms",
    "classifier.amounts",
    "classifier.seeds",
)


_DEPTH = 4  # of a training's folder: <backbone>/<arm>/<cell>/<training>


def materials_of(cell: Cell, materials: Materials) -> Materials:
    """What a cell's training set is made of: all, or the first synthetic images per class."""
    if cell.arm != SYNTHETIC or cell.n is None:
        return materials
    counts = [cell.n] * len(materials.class_names) if isinstance(cell.n, int) else cell.n
    return materials.first(counts, cell.path)


def cells(run: Run) -> list[Cell]:
    """What is trained: every network on every arm, and on smaller synthetic sets for a curve."""
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    sizes = [(arm, ARMS[arm].sizes(materials)) for arm in settings.arms]
    for amount in settings.amounts:
        counts = [amount] * len(materials.class_names)
        smaller = materials.first(counts, f"config.classifier.amounts={amount}")
        sizes.append((SYNTHETIC, ARMS[SYNTHETIC].sizes(smaller)))
    found = (
        Cell(backbone, arm, of_arm.n, of_arm.ratio, settings.seed)
        for backbone in settings.backbones
        for arm, of_arm in sizes
    )
    return list(dict.fromkeys(found))


def grid(run: Run) -> tuple[str, ...]:
    """Every training, as the path of its folder below classify/: network by network."""
    names = run.settings.classifier.trainings
    return tuple(f"{cell.path}/{name}" for cell in cells(run) for name in names)


def units(run: Run) -> tuple[str, ...]:
    """The stage's units: cells, or the trainings of each where they are of seeds, not of folds."""
    paths = [cell.path for cell in cells(run)]
    names = grid(run) if run.settings.classifier.seeds else paths
    return tuple(name + _of_filter(run, name.split("/")[1]) for name in names)


def _of_filter(run: Run, arm: str) -> str:
    """Names the filtered set that an arm learns from; "" for all other arms."""
    return f" {base.fingerprint(run, copy_filter.STAGE).digest[:16]}" if arm == FILTERED else ""


def augmentation_of(
    settings: ClassifierSettings, generator: DiffusionSettings, arm: str, drawn_size: int
) -> Augmentation:
    """The classifiers' own flips and shifts; in an arm that augments also the generator's.

    Args:
      drawn_size: side of the generator's images, pixels, which its shifts are of.
    """
    if arm not in AUGMENTED[settings.augmented]:
        return Augmentation(settings.flips, settings.shift)
    return Augmentation(
        max(settings.flips, generator.flips, key=FLIPS.index),
        max(settings.shift, math.ceil(generator.shift * settings.image_size / drawn_size)),
        settings.warp,
    )


def _check(run: Run) -> None:
    """Whether every cell can be trained, known before anything is."""
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    num_val = len(materials.parts.val)
    for cell in cells(run):
        sizes = ARMS[cell.arm].sizes(materials_of(cell, materials))
        trainings.check(settings, cell, sizes.labels, materials.class_names, num_val, sizes.groups)


def _run(run: Run) -> None:
    """Makes every training of every cell that has no result yet."""
    train(run, grid(run), lambda name: True)


def train(run: Run, part: Collection[str], take: Callable[[str], bool]) -> None:
    """Makes those trainings of a part of the grid that have no result yet.

    Args:
      part: names of `grid`.
      take: name -> whether this process may look at it, and make it; asked when its turn comes.
    """
    side_by_side.train_all(_unfinished(run, part, take))


def _unfinished(run: Run, part: Collection[str], take: Callable[[str], bool]) -> Iterator[Training]:
    inputs, classify = run.inputs, run.workdir.classify

    def takes(folder: pathlib.Path) -> bool:
        name = folder.relative_to(classify).as_posix()
        return name in part and take(name)

    for cell in cells(run):
        if not any(name.startswith(f"{cell.path}/") for name in part):
            continue
        training_set = ARMS[cell.arm].build(materials_of(cell, inputs.materials))
        yield from trainings.unfinished(
            run.compiled.programs_of(cell.backbone),
            run.settings.classifier,
            cell,
            inputs.at_network_size(training_set.images),
            inputs.at_network_size(inputs.parts.val),
            classify,
            training_set.groups,
            base.fingerprint(run, STAGE).digest + _of_filter(run, cell.arm),
            augmentation_of(
                run.settings.classifier,
                run.settings.diffusion,
                cell.arm,
                run.settings.data.image_size,
            ),
            None if ARMS[cell.arm].learns else deal_labels,
            run.events(classify),
            takes,
        )


def _forget(run: Run, path: pathlib.Path) -> None:
    """Removes the training whose file is damaged: it is made again."""
    classify = run.workdir.classify
    base.remove(classify.joinpath(*path.relative_to(classify).parts[:_DEPTH]))


def timer(run: Run, backbone: str) -> timing.ClassifierTimer:
    """Times one network."""
    programs = run.compiled.programs_of(backbone)
    return timing.ClassifierTimer(run, backbone, programs, run.settings.classifier)


def _expect(run: Run) -> float:
    settings, materials = run.settings.classifier, run.inputs.planned_materials
    left = {
        cell: [
            timing.share_left(cell.folder(run.workdir.classify, name), settings)
            for name in settings.trainings
        ]
        for cell in cells(run)
    }
    at_once = side_by_side.at_once(sum(share > 0 for shares in left.values() for share in shares))
    num_val, seconds = len(materials.parts.val), 0.0
    for cell, shares in left.items():
        size = len(ARMS[cell.arm].sizes(materials_of(cell, materials)).labels)
        left_out = 0 if settings.seeds else size - size * (settings.folds - 1) // settings.folds
        if sum(shares):
            seconds += sum(shares) * timer(run, cell.backbone).seconds_per_training(
                size - left_out, left_out + num_val, at_once
            )
    return seconds


def weights_digest(run: Run) -> dict[str, str]:
    """The file that training starts from, where it is the user's own."""
    sha256 = run.inputs.weights_sha256
    return {"weights": sha256} if sha256 else {}


def filtered(run: Run) -> tuple[Stage, ...]:
    """What an arm learns from. Under other fields that stage refuses a workdir that has it."""
    return (copy_filter.STAGE,) if FILTERED in run.settings.classifier.arms else ()


STAGE = Stage(
    "classify",
    _run,
    fields=("classifier.",),
    ignored=CELL_FIELDS,
    inputs=(split.STAGE, generate.STAGE),
    inputs_if=filtered,
    digests=weights_digest,
    units=units,
    adds=True,
    check=_check,
    expect=_expect,
    ends=("result.json",),
    forget=_forget,
)
