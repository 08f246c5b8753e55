"""Fabricated workdirs of runs under several master seeds, with what `pool` reads of them."""

import dataclasses
import math
import pathlib

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import records, replicates
from synthmed_jax.evaluation.differences import Answers, declared_differences
from synthmed_jax.evaluation.predictions import FoldPredictions, write_predictions
from synthmed_jax.evaluation.replicates import Replicate
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import BestNetwork, CellScores, Evaluation, FoldScores, Scores
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.split import PartCounts, SplitEntry, SplitFile
from synthmed_jax.results.stored import unstructure, write_document
from synthmed_jax.statistics.intervals import Interval

CLASSES = ("benign", "malignant")
IMAGES, PER_GROUP = 240, 4  # of the whole data set, of which a run tests 80 %
STAGE_FIELDS = {
    "split": {
        **{"split.fraction": 0.2, "split.seed": 0, "split.group_by": "near_duplicates"},
        "data.name": "drawn",
    },
    "diffusion": {
        **{"diffusion.train.seed": 0, "diffusion.num_steps": 50},
        **{"diffusion.flips": "none", "diffusion.shift": 0},
    },
    "generate": {"generate.seed": 0},
    "classify": {
        **{"classifier.folds": 1, "classifier.augmented": "all", "classifier.flips": "none"},
        **{"classifier.shift": 2, "classifier.warp": 0.5},
    },
    "evaluate": {"evaluate.margin": 0.02},
}


def write_run(
    root: pathlib.Path,
    seed: int = 0,
    *,
    fraction: float = 0.2,
    grouped: bool = True,
    arms: tuple[str, ...] = ("synthetic", "real"),
    right: dict[str, float] | None = None,
    data_hash: str = "abc",
    changed: dict[str, object] | None = None,
    unfinished: str = "",
) -> pathlib.Path:
    """Writes a workdir and returns it.

    Args:
      grouped: whether its split kept images together.
      right: arm -> the share of the test images that its network is right on.
      changed: config field -> value.
      unfinished: a stage that was broken off.
    """
    rng = np.random.default_rng(seed)
    right = right or {"synthetic": 0.8, "real": 0.85}
    groups = np.arange(IMAGES) // PER_GROUP
    tested = np.sort(rng.permutation(IMAGES)[: int(IMAGES * (1 - fraction))])
    labels = groups % 2
    files = tuple(f"{CLASSES[labels[i]]}/{i}.png" for i in tested)
    entries = [
        SplitEntry(file, CLASSES[labels[i]], int(groups[i]) if grouped else None)
        for i, file in zip(tested, files, strict=True)
    ]
    counts = {name: PartCounts(IMAGES // 2, 20, 4, 96) for name in CLASSES}
    split = SplitFile("a rule", seed, data_hash, CLASSES, counts, (), (), ())
    held_out = {"test": unstructure(tuple(entries))}
    write_document(root / "split" / "split.json", split.to_document() | held_out)

    cells, hits, predictions = [], {}, []
    for arm in arms:
        cell = Cell("resnet18", arm, 8, 0.0 if arm == "real" else math.inf, 100_000 * seed)
        of_cell = rng.random(len(tested)) < right.get(arm, 0.9)
        called = np.where(of_cell, labels[tested], 1 - labels[tested])
        hits[cell] = of_cell.astype(float)
        predictions.append(FoldPredictions(cell, 0, np.eye(2)[called]))
        balanced = float(np.mean([of_cell[labels[tested] == k].mean() for k in (0, 1)]))
        scores = Scores(0.1, 0.9, 0.2, 0.9, 0.3, float(of_cell.mean()), 0.8, 0.8, 0.8, balanced)
        fold = FoldScores(**dataclasses.asdict(scores), fold=0, confusion=((9, 1), (1, 9)))
        cells.append(
            CellScores(
                **dataclasses.asdict(cell),
                folds=(fold,),
                mean=scores,
                std=None,
                accuracy_interval=Interval(0.7, 0.9, 0.95, "made up"),
            )
        )
    images = np.zeros((len(tested), 1, 1, 1), np.uint8)
    test = ImageSet(images, labels[tested], files, CLASSES)
    write_predictions(root / "evaluate" / "predictions.csv", test, predictions)
    of_images = groups[tested] if grouped else None
    Evaluation(
        dataset="drawn",
        seed=100_000 * seed,
        class_names=CLASSES,
        num_test=len(tested),
        cells=tuple(cells),
        best=BestNetwork(**dataclasses.asdict(cells[0].cell), fold=0, rule="made up"),
        declared=declared_differences(
            cells, Answers(hits, labels[tested], of_images, of_folds=False, seed=0), 0.02
        ),
    ).write(root / "evaluate" / "metrics.json")

    given = {"seed": seed, "split.fraction": fraction} | (changed or {})
    for stage, fields in STAGE_FIELDS.items():
        own = fields | {name: value for name, value in given.items() if name in fields}
        if any(name.endswith(".seed") for name in own):
            own["seed"] = given["seed"]
        status = "started" if stage == unfinished else "finished"
        inputs = {"data_hash": data_hash} if stage == "split" else {"split": f"of seed {seed}"}
        Marker(status, own, inputs, (f"8 a class of {stage}",)).write(
            root / "stages" / f"{stage}.json"
        )
    return root


def read_run(root: pathlib.Path, groups: np.ndarray | None = None) -> Replicate:
    """What is put together of a workdir; groups: i64[N] of its test images."""
    return replicates.replicate_of(root, records.read_record(root, groups))
