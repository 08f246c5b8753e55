import csv
import dataclasses
import math

import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation.on_real_images import References, evaluate_cells
from synthmed_jax.results.cells import Cell, FoldResult, InitialWeights
from synthmed_jax.results.evaluation import Evaluation

CELLS = [
    Cell("resnet18", "synthetic", 10, math.inf, 0),
    Cell("resnet18", "real", None, 0.0, 0),
]


@pytest.fixture
def real_images():
    """24 dark and 24 light ones."""
    labels = np.arange(48, dtype=np.int32) % 2
    pixels = np.full((48, 4, 4, 1), 255, np.uint8) * labels[:, None, None, None].astype(np.uint8)
    return ImageSet(pixels, labels, tuple(f"{i:02d}.png" for i in range(48)), ("dark", "light"))


def references(val=None, groups=None):
    """Synthetic sets are balanced; of the real images three in four are dark."""
    if val is None:
        val = ImageSet(
            np.zeros((0, 4, 4, 1), np.uint8), np.zeros(0, np.int32), (), ("dark", "light")
        )
    shares = dict(zip(CELLS, np.array([[0.5, 0.5], [0.75, 0.25]]), strict=True))
    return References(val, shares, shares[CELLS[1]], groups, 0.02, of_folds=True)


def fold_result(val_loss):
    return FoldResult(
        best_epoch=1, train_loss=0.1, train_accuracy=1.0, val_loss=val_loss, val_accuracy=0.9,
        epochs=1, stopped="max_epochs", choices={}, passes_per_epoch=1, steps=1,
        selected_by="fold", batch_size=8, initial=InitialWeights("random"), num_train=8, num_val=8,
        seconds=1.0, images_per_second=8.0,
    )  # fmt: skip


def test_every_fold_of_every_cell_is_scored_and_predicted_once(real_images, tmp_path):
    predicted = []

    def trained(cell, fold):
        # Fold 0 sees everything, fold 1 calls everything dark.
        def predict(pixels):
            predicted.append((cell.arm, fold, len(pixels)))
            light = (pixels[:, 0, 0, 0] > 0) * (0.9 if fold == 0 else 0.1)
            return np.stack([1 - light, light], axis=1)

        return fold_result(0.2 + fold), lambda: predict

    evaluate_cells(real_images, CELLS[:1], 2, trained, tmp_path, "phantom", 3, references())
    assert predicted == [("synthetic", 0, 48), ("synthetic", 1, 48)]
    evaluate_cells(real_images, CELLS, 2, trained, tmp_path, "phantom", 3, references())
    # The first cell was not predicted again.
    assert predicted[2:] == [("real", 0, 48), ("real", 1, 48)]
    assert {path.name for path in (tmp_path / "cells").iterdir()} == {
        "resnet18_synthetic_10_inf_0.npy",
        "resnet18_real_all_0_0.npy",
    }
    evaluation = Evaluation.read(tmp_path / "metrics.json")
    assert (evaluation.dataset, evaluation.seed) == ("phantom", 3)
    assert (evaluation.num_test, evaluation.class_names) == (48, ("dark", "light"))
    assert [cell.cell for cell in evaluation.cells] == CELLS
    cell = evaluation.cells[0]
    assert [fold.test_accuracy for fold in cell.folds] == [1.0, 0.5]
    assert [fold.val_loss for fold in cell.folds] == [0.2, 1.2]
    assert cell.folds[1].confusion == ((24, 0), (24, 0))
    assert cell.mean.test_accuracy == 0.75
    assert cell.std.test_accuracy == pytest.approx(0.5 / math.sqrt(2))
    assert cell.accuracy_interval.low < 0.75 < cell.accuracy_interval.high
    assert evaluation.best.cell == CELLS[0]
    assert evaluation.best.fold == 0
    with (tmp_path / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 48
    assert [row["file"] for row in rows] == [*real_images.files] * 4


@pytest.mark.parametrize("change", ["damage", "weights", "images"])
def test_probabilities_that_are_damaged_or_of_others_are_computed_again(
    real_images, tmp_path, change
):
    def evaluate(share, weights, images):
        def trained(cell, fold):
            result = dataclasses.replace(fold_result(1.0), weights=weights)
            return result, lambda: lambda pixels: np.tile([1 - share, share], (len(pixels), 1))

        evaluate_cells(images, CELLS[:1], 1, trained, tmp_path, "phantom", 0, references())
        return np.load(tmp_path / "cells" / "resnet18_synthetic_10_inf_0.npy")[0, 0, 1]

    assert evaluate(0.25, "abc", real_images) == 0.25
    assert evaluate(0.75, "abc", real_images) == 0.25
    weights = "abd" if change == "weights" else "abc"
    if change == "damage":
        path = tmp_path / "cells" / "resnet18_synthetic_10_inf_0.npy"
        content = bytearray(path.read_bytes())
        content[200] ^= 1
        path.write_bytes(content)
    if change == "images":
        real_images = real_images.subset(np.arange(47))
    assert evaluate(0.75, weights, real_images) == 0.75


def test_a_kill_in_the_middle_of_a_cell_leaves_no_file_of_it(real_images, tmp_path):
    def killed(pixels):
        raise KeyboardInterrupt

    def undecided(pixels):
        return np.full((len(pixels), 2), 0.5, np.float32)

    def evaluate(*networks):
        def trained(cell, fold):
            return fold_result(1.0), lambda: networks[fold]

        evaluate_cells(real_images, CELLS[:1], 2, trained, tmp_path, "phantom", 0, references())

    with pytest.raises(KeyboardInterrupt):
        evaluate(undecided, killed)
    assert not [*tmp_path.rglob("*.npy"), *tmp_path.rglob("*.json")]
    evaluate(undecided, undecided)
    (cell,) = Evaluation.read(tmp_path / "metrics.json").cells
    assert cell.mean.test_loss == pytest.approx(math.log(2))


def test_arms_are_compared_image_by_image_and_in_groups(real_images, tmp_path):
    """The real arm's network is wrong on the first six of eight groups' first images."""

    def trained(cell, fold):
        def predict(pixels):
            light = (pixels[:, 0, 0, 0] > 0).astype(float)
            if cell.arm == "real":
                light[:6] = 1 - light[:6]
            return np.stack([1 - light, light], axis=1) * 0.8 + 0.1

        return fold_result(0.2), lambda: predict

    groups = np.arange(48) % 8
    found, hits = evaluate_cells(
        real_images, CELLS, 2, trained, tmp_path, "phantom", 3, references(groups=groups)
    )
    assert Evaluation.read(tmp_path / "metrics.json") == found
    assert hits[CELLS[0]].tolist() == [1.0] * 48
    assert hits[CELLS[1]].tolist() == [0.0] * 6 + [1.0] * 42
    (difference,) = found.differences
    assert (difference.first, difference.second) == tuple(CELLS)
    assert difference.difference.estimate == pytest.approx(6 / 48)
    assert (difference.difference.num_groups, difference.unit) == (8, "group")
    # Six groups differ, all to one side: two of 64 ways to swap them are as far from zero.
    assert difference.p == pytest.approx(2 / 64, abs=0.006)
    (declared,) = found.declared
    assert (declared.estimand, declared.limit) == ("D1", -0.02)
    assert declared.difference == difference.difference
    alone, _ = evaluate_cells(
        real_images, CELLS[:1], 2, trained, tmp_path, "phantom", 3, references()
    )
    assert alone.differences == alone.declared == ()
    # Eight groups say less than 48 independent images do.
    (of_images,), of_groups = alone.cells, found.cells[1]
    assert of_groups.accuracy_interval.method.endswith("48 images in 8 groups")
    assert of_images.accuracy_interval.method.endswith(", 48 images")


def test_val_images_are_predicted_once_and_set_the_temperature(real_images, tmp_path):
    predicted = []

    def trained(cell, fold):
        # Three in four are right, and it is as sure as of all of them.
        def predict(pixels):
            predicted.append(len(pixels))
            light = (pixels[:, 0, 0, 0] > 0).astype(float)
            light[::4] = 1 - light[::4]
            return np.stack([1 - light, light], axis=1) * 0.98 + 0.01

        return fold_result(0.2), lambda: predict

    for _ in range(2):
        found, _ = evaluate_cells(
            real_images, CELLS[:1], 2, trained, tmp_path, "phantom", 3, references(real_images)
        )
    assert predicted == [48, 48, 48, 48]
    quality = found.cells[0].quality
    # At the right temperature it would say 3/4: odds of 3 instead of 99.
    assert quality.tempered.temperature == pytest.approx(math.log(99) / math.log(3), rel=1e-3)
    assert quality.tempered.loss < found.cells[0].mean.test_loss
    assert quality.calibration.plain == pytest.approx(0.24, abs=0.02)
    assert quality.recalls == {"dark": pytest.approx(0.5), "light": pytest.approx(1.0)}
