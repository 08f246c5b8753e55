import math

import numpy as np
import pytest

from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import external
from synthmed_jax.evaluation.on_real_images import References, score_cells
from synthmed_jax.results.cells import Cell, FoldResult, InitialWeights
from synthmed_jax.results.external import External, Shared
from synthmed_jax.results.floors import Floor, Floors
from tests.data.scenes import scenes

CELL = Cell("resnet18", "synthetic", 10, math.inf, 0)
NAMES = ("covid", "normal", "other")


def image_set(images):
    labels = np.arange(len(images), dtype=np.int32) % 2
    return ImageSet(images, labels, tuple(f"{i}.png" for i in range(len(images))), NAMES)


def test_images_that_the_run_has_are_counted_by_part():
    known = scenes(12, 32)
    parts = Parts(image_set(known[:6]), image_set(known[6:9]), None)
    moved = np.roll(known[4:5], 1, axis=1)
    new = scenes(5, 32, seed=1)
    images = image_set(np.concatenate([known[:2], known[8:12], moved, new]))
    shared = external.count_shared(images, parts, image_set(known[9:]), 0.9)
    assert shared == Shared(fit=2, val=1, held_out=3, near=4, threshold=0.9)


@pytest.fixture
def measured(tmp_path):
    """Six images of two classes, a network that is right on five, and none of the third class."""
    labels = np.asarray([0, 0, 0, 0, 1, 1], np.int32)
    images = ImageSet(np.zeros((6, 4, 4, 1), np.uint8), labels, tuple("abcdef"), NAMES)
    result = FoldResult(
        best_epoch=1, train_loss=0.1, train_accuracy=1.0, val_loss=0.2, val_accuracy=0.9,
        epochs=1, stopped="max_epochs", choices={}, passes_per_epoch=1, steps=1,
        selected_by="fold", batch_size=8, initial=InitialWeights("random"), num_train=8, num_val=8,
        seconds=1.0, images_per_second=8.0,
    )  # fmt: skip
    answers = np.eye(3)[[0, 0, 0, 0, 1, 0]] * 0.7 + 0.1
    third = np.full(3, 1 / 3)
    scored = score_cells(
        images,
        [CELL],
        1,
        lambda cell, fold: (result, lambda: lambda pixels: answers),
        tmp_path,
        References(images.subset([]), {CELL: third}, third, None, 0.02, of_folds=False),
        "_external_abc",
    )
    assert (tmp_path / "cells" / "resnet18_synthetic_10_inf_0_external_abc.npy").exists()
    return External(
        digest="abc",
        class_names=NAMES,
        classes={"covid": "COVID-19", "normal": "normal", "other": "-"},
        counts={"covid": 4, "normal": 2, "other": 0},
        left_out={"unreadable": 2},
        note="Grey is grey.",
        shared=Shared(0, 0, 0, 0, 0.95),
        cells=scored.cells,
        differences=(),
        floors=Floors(4, 300, 0, "image", (Floor("low_frequencies", "real", 9, 0.5, 0.625),)),
    )


def test_a_class_without_external_images_has_no_recall(measured, tmp_path):
    measured.write(tmp_path / "external.json")
    assert External.read(tmp_path / "external.json") == measured
    (cell,) = measured.cells
    assert cell.mean.test_accuracy == pytest.approx(5 / 6)
    assert cell.mean.balanced_accuracy == pytest.approx(0.75)
    assert cell.quality.recalls == {"covid": 1.0, "normal": 0.5, "other": None}
    assert cell.quality.tempered is None  # no val images, no temperature
