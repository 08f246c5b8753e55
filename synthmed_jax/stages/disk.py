"""How much room a run will take on the disk, said beforehand; and whether there is as much.

Sizes are known from shapes of weights and numbers of images. Pages of pictures and tables, small
beside these, are estimated from finished runs.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import jax
import numpy as np

from synthmed_jax.audit import copy_search
from synthmed_jax.classifiers import feature_net
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import TrainingSettings, make_rates
from synthmed_jax.data.png import encode_png
from synthmed_jax.diffusion.step import init_state
from synthmed_jax.parallel import Tree
from synthmed_jax.stages import base, classify, generate
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

KIB, MIB, GIB = 1024, 1024**2, 1024**3
# Measured on finished runs of 2 to 5 classes, bytes: a class's pages in explain/, and in report/,
# which has them twice; a row of predictions.csv, less its probabilities, and one of these; what
# manifest.csv and fidelity.json say of an image; floors.json; what metrics.json says of a cell, and
# its answers to val images; the audit's pictures and texts, those of a search for copies, and what
# it says of a class and of all; the compiled programs of a network.
_EXPLAINED, _REPORTED = 210 * KIB, 700 * KIB
_ROW, _PROBABILITY, _OF_IMAGE = 60, 18, 350
_FLOORS, _OF_CELL = 8 * KIB, 12 * KIB
_AUDITED, _SEARCHED, _COMPARED = 190 * KIB, 265 * KIB, 10 * KIB
_COMPILED = 5 * MIB
_SAMPLED = 16  # images whose size as a PNG is looked at


@dataclasses.dataclass(frozen=True)
class Room:
    """What a stage will still write, bytes.

    Attributes:
      stays: files that are there when it ends.
      passing: what it takes beside these for a time, at most.
    """

    stays: int
    passing: int = 0


def expected(run: Run, stages: Sequence[Stage]) -> dict[str, Room]:
    """Returns stage -> what it will still write, for those that have work left."""
    return {
        stage.name: _ROOM_OF[stage.name](run)
        for stage in stages
        if stage.name in _ROOM_OF and not _is_done(run, stage)
    }


def say_expected(run: Run, stages: Sequence[Stage]) -> None:
    """Prints what the run will take in its workdir, and warns where there is less room."""
    rooms = expected(run, stages)
    stays = sum(room.stays for room in rooms.values())
    passing = max((room.passing for room in rooms.values()), default=0)
    free = _free(run.workdir.root)
    listed = [f"{name} {in_words(room.stays)}" for name, room in rooms.items()]
    while_under_way = f", and up to {in_words(passing)} more for a time" if passing else ""
    print(
        f"expected on this disk: {', '.join(listed) or 'nothing'}; in all {in_words(stays)}"
        f"{while_under_way} (free: {in_words(free)}); cache of prepared images: "
        f"{_cache_in_words(run, rooms)}",
        flush=True,
    )
    if stays + passing > free:
        print(
            f"warning: {run.workdir.root} may need {in_words(stays + passing)} and has "
            f"{in_words(free)}: make room, take fewer networks, arms or folds, or another "
            "--workdir; a run that finds its disk full goes on where it was once there is room",
            flush=True,
        )


def in_words(size: float) -> str:
    """A number of bytes as people say it: 12 KiB, 3.5 MiB, 16 GiB."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
        if size >= unit:
            value = size / unit
            return f"{value:.0f} {name}" if value >= 10 else f"{value:.1f} {name}"
    return f"{size / KIB:.0f} KiB"


def _is_done(run: Run, stage: Stage) -> bool:
    # The inputs first: what is explained is known only after the evaluation.
    return all(base.is_finished(run, each) for each in (*base.upstream(run, stage), stage))


def _free(folder: pathlib.Path) -> int:
    """Bytes that may be written to a folder that is there, or will be made."""
    path = folder.absolute()
    there = os.statvfs(next(each for each in (path, *path.parents) if each.exists()))
    return there.f_bavail * there.f_frsize


def _cache_in_words(run: Run, rooms: dict[str, Room]) -> str:
    """What the cache holds, and what will come: all but compiled programs is there by now."""
    cache = run.settings.data.cache
    networks = len(run.settings.classifier.backbones) if "classify" in rooms else 0
    programs = networks + ("diffusion" in rooms) + ("features" in rooms)
    more = f", and about {in_words(programs * _COMPILED)} of programs" if programs else ""
    return f"{in_words(_written(cache))} in {cache}{more}"


def _bytes(tree: Tree) -> int:
    """Of all arrays of a tree, or of their shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _written(folder: pathlib.Path) -> int:
    """Bytes that a folder's files take on the disk; 0 where there is no folder."""
    size = 0
    for path in folder.rglob("*"):
        # Another run may be at work in the same cache.
        with contextlib.suppress(FileNotFoundError):
            size += 512 * path.lstat().st_blocks
    return size


def _in_blocks(size: float) -> int:
    """Bytes that a file of a size takes on most disks."""
    return int(-(-size // 4096) * 4096)


def _diffusion(run: Run) -> Room:
    """Two checkpoints per model, its best weights and those kept; a third before one goes."""
    train, folders = run.settings.diffusion.train, run.inputs.generator_folders
    left = [folder for folder in folders if not (folder / "best.json").exists()]
    state = jax.eval_shape(lambda: init_state(train, run.compiled.model))
    kept = train.steps // train.keep_every if train.keep_every else 0
    whole = 2 * _bytes(state) + (1 + kept) * _bytes(state.params)
    stays = sum(max(0, whole - _written(folder)) for folder in left)
    return Room(stays, _bytes(state) if left else 0)


def _generate(run: Run) -> Room:
    """PNGs of the size that the real images would have."""
    return Room(sum(map(len, generate.lacking_images(run).values())) * _image(run))


def _filter(run: Run) -> Room:
    return Room(sum(run.inputs.synthetic_counts) * _image(run))


def _image(run: Run) -> int:
    """A PNG of the size that a real one would have, with its row of the manifest."""
    real = run.inputs.planned_split.parts.fit.images
    sampled = real[np.linspace(0, len(real) - 1, _SAMPLED).astype(int)]
    one = np.mean([_in_blocks(len(encode_png(image))) for image in sampled])
    return int(one + _OF_IMAGE)


def _audit(run: Run) -> Room:
    searched = not copy_search.why_not(run.inputs.planned_split.parts.fit)
    return Room(_AUDITED + _SEARCHED * searched + _COMPARED * (1 + len(run.inputs.class_names)))


def _classify(run: Run) -> Room:
    """Every training's weights; of the one that is trained, also what it would resume from."""
    settings = run.settings.classifier
    left: collections.Counter[str] = collections.Counter()
    for cell in classify.cells(run):
        folders = [cell.folder(run.workdir.classify, name) for name in settings.trainings]
        left[cell.backbone] += sum(not (folder / "result.json").exists() for folder in folders)
    trainings = {
        name: _training(run.compiled.programs_of(name), settings) for name in left if left[name]
    }
    return Room(
        sum(left[name] * one.stays for name, one in trainings.items()),
        max((one.passing for one in trainings.values()), default=0),
    )


def _training(programs: Programs, settings: TrainingSettings) -> Room:
    """One network: its weights; and state and best weights twice, the new before the old goes."""
    state = jax.eval_shape(programs.init, jax.random.key(0), make_rates(settings, 1))
    variables = _bytes(state.variables)
    return Room(variables, 2 * (2 * variables + _bytes(state.opt_state)))


def _features(run: Run) -> Room:
    training = feature_net.training(run.settings.data.image_size)
    return _training(run.compiled.feature_programs, training)


def _evaluate(run: Run) -> Room:
    """A row per test image and network, small files of every cell, and floors.json."""
    num_cells = len(classify.cells(run))
    rows = num_cells * len(run.settings.classifier.trainings) * run.inputs.planned_split.num_test
    small = _FLOORS + num_cells * _OF_CELL
    return Room(small + rows * (_ROW + _PROBABILITY * len(run.inputs.class_names)))


def _explain(run: Run) -> Room:
    return Room(_EXPLAINED * len(run.inputs.class_names))


def _report(run: Run) -> Room:
    return Room(_REPORTED * len(run.inputs.class_names))


def _tune(run: Run) -> Room:
    """A trial's generator goes when the trial ends."""
    if run.settings.tune.target != "diffusion":
        return Room(0)
    state = jax.eval_shape(lambda: init_state(run.settings.diffusion.train, run.compiled.model))
    return Room(0, 3 * _bytes(state) + _bytes(state.params))


# Those that write little are not listed.
_ROOM_OF: dict[str, Callable[[Run], Room]] = {
    "diffusion": _diffusion,
    "features": _features,
    "generate": _generate,
    "filter": _filter,
    "audit": _audit,
    "classify": _classify,
    "tune": _tune,
    "evaluate": _evaluate,
    "explain": _explain,
    "report": _report,
}
