"""A fabricated workdir: every file that the report reads, tiny and with numbers of its own."""

import dataclasses
import io
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from configs import base
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.report.html import write_report

CLASS_NAMES = ("Benign", "Early", "Pre")
NUM_TEST = 60
FOLDS = 3


@dataclasses.dataclass
class Fabricated:
    workdir: pathlib.Path
    fit: ImageSet
    synthetic: ImageSet

    def read(self, name):
        return json.loads((self.workdir / name).read_text())

    def write(self, name, value):
        path = self.workdir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))


def image_set(class_names, per_class, folder, channels=3, size=8):
    rng = np.random.default_rng(len(folder))
    labels = np.repeat(np.arange(len(class_names), dtype=np.int32), per_class)
    images = rng.integers(0, 256, (len(labels), size, size, channels), np.uint8)
    files = tuple(f"{folder}/{class_names[label]}/{i}.png" for i, label in enumerate(labels))
    return ImageSet(images, labels, files, tuple(class_names))


def cell(backbone, arm, n, accuracy, val_loss, num_classes):
    right = np.array([accuracy - 0.01, accuracy, accuracy + 0.01])
    folds = []
    for k in range(FOLDS):
        values = {
            "train_loss": 0.1, "train_accuracy": 0.98, "val_loss": val_loss, "val_accuracy": 0.97,
            "test_loss": 0.7, "test_accuracy": right[k], "precision": 0.81, "recall": 0.82,
            "f1": 0.83, "balanced_accuracy": 0.8,
        }  # fmt: skip
        confusion = np.full((num_classes, num_classes), k, int)
        np.fill_diagonal(confusion, NUM_TEST // num_classes - (num_classes - 1) * k)
        folds.append({"fold": k, **values, "confusion": confusion.tolist()})
    keys = [key for key in folds[0] if key not in ("fold", "confusion")]
    return {
        "backbone": backbone,
        "arm": arm,
        "n": n,
        "ratio": 0 if arm == "real" else "inf",
        "seed": 0,
        "folds": folds,
        "mean": {key: float(np.mean([fold[key] for fold in folds])) for key in keys},
        "std": {key: float(np.std([fold[key] for fold in folds], ddof=1)) for key in keys},
        "accuracy_interval": {
            "low": accuracy - 0.031,
            "high": accuracy + 0.027,
            "level": 0.95,
            "method": "bootstrap",
        },
    }


def explanations(model, names, pages):
    """A lime.json: one class of real images looks at the corners."""
    value = {"n": 9, "mean": 0.613, "std": 0.1, "low": 0.5, "high": 0.7}
    none = {"n": 0, "mean": None, "std": None, "low": None, "high": None}
    alarming = {"n": 9, "mean": 3.21, "std": 0.5, "low": 2.9, "high": 3.6}
    of_lime = {"r2": value, "corners": alarming, "rank_correlation": value, "lesion": none}
    summary = {"lime": of_lime, "occlusion": {"deletion_gain": value}, "grad_cam": {}}
    test = {"class": names[0], "number": "deletion_gain", "n_real": 9, "n_synthetic": 9,
            "mean_real": 0.125, "mean_synthetic": 0.25, "superiority": 0.875}  # fmt: skip
    return {
        "model": model, "engine": "jax", "num_samples": 400, "sampling": "balanced",
        "segmentation": "slic", "regions": 55, "seed": 5, "images_a_class": 9, "repeats": 2,
        "summary": {
            kind: dict.fromkeys((*names, "all classes"), summary)
            for kind in ("real", "synthetic")
        },
        "comparison": {
            "tests": [{**test, "p": 0.001, "q": 0.012}, {**test, "p": 0.5, "q": 0.6}],
            "places": {
                names[0]: {"all": 0.91, "real_halves": 0.83, "mixed_halves": 0.77, "half": 4},
                names[1]: None,
            },
        },
        "nearest": {"nearest": value, "others_of_the_class": value},
        "alarms": {
            "real": [{"class": names[0], "area": "corners", **alarming}], "synthetic": []
        },
        "check": {"num_images": 6, "largest_difference": 2e-17, "largest_weight": 0.02},
        "pages": pages,
        "images": [],
    }  # fmt: skip


def fabricate(workdir, fit, synthetic):
    """Writes a finished run with these images; returns it."""
    made = Fabricated(workdir, fit, synthetic)
    names, num_fit = fit.class_names, len(fit)
    per_class = num_fit // len(names)
    config = base.get_config("cpu").to_dict()
    config["data"]["name"] = "leukemia"
    made.write("config.json", config)
    made.write(
        "run.json",
        {
            "command": "main.py --config=configs/all_ddpm.py:cpu",
            "versions": {"jax": "0.10.2"},
            "devices": ["cpu:cpu", "cpu:cpu"],
            "seeds": {"split.seed": 0, "diffusion.train.seed": 0},
            "data": {"name": "leukemia", "hash": "abc", "num_images": 84, "unreadable": []},
            "stages": {
                "split": {"status": "done", "seconds": 0.4, "peak_memory_mib": 310.2},
                "diffusion": {"status": "done", "seconds": 3723.0, "peak_memory_mib": 1843.7},
            },
        },
    )
    counts = {"fit": per_class, "val": 4, "test": NUM_TEST // len(names)}
    counts["total"] = sum(counts.values())
    made.write(
        "split/split.json",
        {
            "rule": "ceil(0.2 n) a class",
            "seed": 17,
            "data_hash": "sha256:abc",
            "class_names": names,
            "counts": dict.fromkeys(names, counts),
            "unreadable": ["broken.png"],
            "fit": [{"file": name, "label": 0} for name in fit.files],
            "val": [],
            "test": [{"file": "secret/test-image.png", "label": 0}],
        },
    )
    records = [{"step": s, "loss": 1 / (1 + s / 50), "seconds": 1.0} for s in range(10, 2000, 10)]
    records += [{"step": s, "val_loss": 1.1 / (1 + s / 50)} for s in range(100, 2000, 100)]
    path = workdir / "diffusion" / "metrics.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in sorted(records, key=lambda r: r["step"])))

    k = len(names)
    cells = [
        cell("resnet18", "synthetic", 500, 0.869, 0.21, k),
        cell("vgg16", "synthetic", 500, 0.861, 0.25, k),
        cell("resnet18", "real", "all", 0.953, 0.11, k),
    ]
    for made_cell in cells[::2]:
        sub = f"classify/{made_cell['backbone']}/{made_cell['arm']}"
        for fold in range(FOLDS):
            at = f"{sub}/{made_cell['n']}-{made_cell['ratio']}-s0/fold{fold}"
            scores = [{"real_val": {"accuracy": share}} for share in (0.5 + 0.1 * fold, 0.75)]
            choices = {"fold": {"scores": scores[0]}, "real_val": {"scores": scores[1]}}
            result = {"num_train": 1333 + fold, "num_val": 667, "choices": choices}
            made.write(f"{at}/result.json", result)
            epochs = [
                {"epoch": e, "train_loss": 1 / e, "train_accuracy": 1 - 0.6 / e,
                 "val_loss": 1.1 / e + 0.02 * fold, "val_accuracy": 0.98 - 0.6 / e}
                for e in range(1, 9)
            ]  # fmt: skip
            lines = "".join(json.dumps(record) + "\n" for record in epochs)
            (workdir / at / "metrics.jsonl").write_text(lines)
    best = {"backbone": "resnet18", "arm": "synthetic", "n": 500, "ratio": "inf", "seed": 0}
    made.write(
        "evaluate/metrics.json",
        {
            "dataset": "leukemia",
            "class_names": names,
            "num_test": NUM_TEST,
            "seed": 0,
            "cells": cells,
            "best": {**best, "fold": 1, "rule": "lowest validation loss"},
        },
    )
    pairs = [
        {"path": name, "nearest": fit.files[i % num_fit], "distance": 0.05 + 0.002 * i}
        for i, name in enumerate(synthetic.files)
    ]
    made.write(
        "evaluate/fidelity.json",
        {
            "distance": "root mean square difference", "flips": "dihedral",
            "num_fit": num_fit, "num_val": 12, "num_synthetic": len(synthetic),
            "median_synthetic": 0.11, "median_val": 0.12, "ratio": 0.917, "synthetic": pairs,
        },
    )  # fmt: skip
    pages = []
    for label, name in enumerate(names):
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(fit.images[0, ..., 0])).resize((160, 160)).save(buffer, "PNG")
        (workdir / "explain").mkdir(exist_ok=True)
        (workdir / "explain" / f"class{label}.png").write_bytes(buffer.getvalue())
        pages.append({"picture": f"explain/class{label}.png", "class": name, "shows": "roles"})
    made.write("explain/lime.json", explanations({**best, "fold": 1}, names, pages))
    return made


def three_classes(workdir):
    fit = image_set(CLASS_NAMES, 4, "fit")
    return fabricate(workdir, fit, image_set(CLASS_NAMES, 7, "synthetic"))


@pytest.fixture
def fabricated(tmp_path):
    return three_classes(tmp_path / "run")


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """A fabricated run with its report; for reading only."""
    made = three_classes(tmp_path_factory.mktemp("reported") / "run")
    write_report(made.workdir, made.fit, made.synthetic)
    return made


@pytest.fixture
def hostile(tmp_path):
    """A run whose class names are markup."""
    names = ("$a_{b", "<b>x</b>", "<img src=x onerror=alert(1)>", "pipe|and`tick")
    fit = image_set(names, 3, "fit", channels=1)
    return fabricate(tmp_path / "run", fit, image_set(names, 4, "synthetic", channels=1))
