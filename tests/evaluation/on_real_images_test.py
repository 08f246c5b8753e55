import csv
import json

import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.split import SplitSettings, split_indices, write_split
from synthmed_jax.evaluation.on_real_images import evaluate_cells

CELLS = [
    {"backbone": "resnet18", "arm": arm, "n": n, "ratio": ratio, "seed": 0}
    for arm, n, ratio in [("synthetic", "10", "inf"), ("real", "all", "0")]
]


@pytest.fixture
def images():
    labels = np.arange(60, dtype=np.int32) % 2
    pixels = np.full((60, 4, 4, 1), 255, np.uint8) * labels[:, None, None, None].astype(np.uint8)
    return ImageSet(pixels, labels, tuple(f"{i:02d}.png" for i in range(60)), ("dark", "light"))


def test_scores_are_of_the_test_part_alone(images, tmp_path):
    settings = SplitSettings(0.2, 0.25, "", "none", 0)
    split = split_indices(images.labels, images.class_names, images.files, settings)
    path = tmp_path / "split.json"
    write_split(path, split, images, "hash", (), settings)
    seen = []

    def trained(cell, fold):
        # Fold 0 sees everything, fold 1 calls everything dark.
        def predict(pixels):
            seen.append(len(pixels))
            light = (pixels[:, 0, 0, 0] > 0) * (0.9 if fold == 0 else 0.1)
            return np.stack([1 - light, light], axis=1)

        result = {"train_loss": 0.1, "train_accuracy": 1.0, "val_loss": 0.2 + fold}
        return result | {"val_accuracy": 0.9}, predict

    arguments = (path, images, lambda s: s)
    evaluate_cells(*arguments, CELLS[:1], 2, trained, tmp_path / "e", {"dataset": "d", "seed": 0})
    assert seen == [48, 48]
    evaluate_cells(*arguments, CELLS, 2, trained, tmp_path / "e", {"dataset": "d", "seed": 0})
    assert seen == [48] * 4  # the first cell was not predicted again
    metrics = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert metrics["num_test"] == 48
    cell = metrics["cells"][0]
    assert [fold["test_accuracy"] for fold in cell["folds"]] == [1.0, 0.5]
    assert cell["folds"][1]["confusion"] == [[24, 0], [24, 0]]
    assert cell["mean"]["test_accuracy"] == 0.75
    assert cell["accuracy_interval"]["low"] < 0.75 < cell["accuracy_interval"]["high"]
    assert (metrics["best"]["arm"], metrics["best"]["fold"]) == ("synthetic", 0)
    with (tmp_path / "e" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 48
    assert {row["file"] for row in rows} == {images.files[i] for i in split.test}
