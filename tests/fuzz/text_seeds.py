"""Small valid files of the workdir and of users: weights, manifests, tables, results."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import pathlib
import pickle
import struct
import tempfile
import zipfile

import numpy as np
import safetensors.numpy

from synthmed_jax import files
from synthmed_jax.data import manifest
from synthmed_jax.results.cells import Choice, FoldResult, InitialWeights, SetScores
from synthmed_jax.results.evaluation import Scores
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.section import Row, Section, SectionPicture, Table
from synthmed_jax.results.split import PartCounts, SplitEntry, SplitFile
from synthmed_jax.results.stored import Stored
from tests.data.written_set import write_manifest
from tests.fuzz.engine import Seed

_TORCH = pathlib.Path(__file__).parents[1] / "classifiers" / "weights" / "files"
ROWS = tuple(
    manifest.ManifestRow(
        f"{name}/{index:05d}.png", name, index, 3, "ddim", 20, 1.5, "ab" * 32, "cd" * 32, True, "ef"
    )
    for name in ("cat", "dög, old")
    for index in range(3)
)
IMAGES = ("a/1.png", "a/2.png", "b/7.png", "b/sub/Ä 3.nii.gz", "b/04.dcm")


@functools.cache
def weights() -> tuple[Seed, ...]:
    """State dicts in the formats that are read; torch wrote two of them."""
    stored = [Seed(p.name, p.read_bytes()) for p in sorted(_TORCH.iterdir())]
    # A linear head, as `count_classes` looks for it, pickled by hand as torch 0.1 did.
    storage = b"(S'storage'\nctorch\nFloatStorage\nS'7'\nS'cpu'\nI8\nNtQ"
    parts = b"(%sI2\n(I2\nI3\nt(I3\nI1\ntt" % storage
    old = (
        b"\x80\x02ccollections\nOrderedDict\n(](](S'fc.bias'\nctorch\nFloatTensor\n)\x81%sb" % parts
    )
    old += b"eetR}S'_metadata'\n}sb."
    start = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    head = b"".join(pickle.dumps(each, 2) for each in start)
    numbers = pickle.dumps(["7"], 2) + struct.pack("<q8f", 8, *range(8))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("w/data.pkl", old)
        archive.writestr("w/byteorder", b"little")
        archive.writestr("w/data/7", struct.pack("<8f", *range(8)))
    tensors = {
        "fc.bias": np.arange(3, dtype=np.float32),
        "fc.weight": np.ones((3, 2), np.float16),
        "scalar": np.array(4, np.int64),
    }
    return (
        *stored,
        Seed("old.pth", head + old + numbers),
        Seed("packed.pt", packed.getvalue()),
        Seed("more.safetensors", safetensors.numpy.save(tensors, {"format": "pt"})),
    )


@functools.cache
def manifests() -> tuple[Seed, ...]:
    """A manifest of today, and one of before some columns were there."""
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(pathlib.Path(folder), ROWS)
        text = (pathlib.Path(folder) / "manifest.csv").read_text(encoding="utf-8")
    quoted = ["path,class,index,seed,sampler,steps,guidance,checkpoint,sha256"]
    quoted += [f"cat/{i:05d}.png,cat,{i},0,ddpm,100,1.0,aa,bb" for i in range(3)]
    return Seed("manifest.csv", text.encode()), Seed("manifest.csv", "\n".join(quoted).encode())


@functools.cache
def tables() -> tuple[Seed, ...]:
    """Tables as people and spreadsheets write them."""
    usual = "file,label,patient\na/1.png,cat,p1\na/2.png,dog,p2\nb/7.png,cat,p1\n"
    semicolons = 'sep=;\r\nimage_id;dx;age\r\n1;"mel; old";50\r\n\r\n2;nv;60\r\nÄ 3;nv;\r\n'
    per_class = "image\tMEL\tNV\tBCC\n1\t1.0\t0.0\t0.0\n2\t0\t1\t0\n04\t0\t0\t1\n"
    several = "Image Index|Finding Labels\n" + 'a/1.png|"x"\na/2.png|"y ""z"""\n'
    return (
        Seed("usual.csv", usual.encode()),
        Seed("semicolons.csv", semicolons.encode("utf-8-sig")),
        Seed("per_class.tsv", per_class.encode()),
        Seed("utf16.csv", semicolons.encode("utf-16")),
        Seed("bars.csv", several.encode()),
    )


def _documents() -> dict[str, Stored]:
    score = {"fold": SetScores(0.625, 0.5)}
    return {
        "FoldResult": FoldResult(
            2, 0.5, 0.75, 0.625, 0.5, 3, "patience", {"fold": Choice(2, score)}, 1, 12, "fold", 8,
            InitialWeights("random"), 32, 16, 1.5, 64.0, "ab", "cd",
        ),
        "Marker": Marker(
            "finished", {"a.b": [1, {"c": None}], "d": "x"}, {"split": "ab"}, ("u",), {"f": "cd"}
        ),
        "SplitFile": SplitFile(
            "by hand", 0, "ab", ("cat", "dog"), {"cat": PartCounts(3, 1, 1, 1)}, ("x",),
            (SplitEntry("a.png", "cat"),), (SplitEntry("b.png", "dog", 4),),
        ),
        "Section": Section(
            "Title", ("One.",), (Table(("a",), (Row("r", ("1",)),), "c"),),
            (SectionPicture("p.png", "alt", "caption"),),
        ),
    }  # fmt: skip


# An evaluation of version 1 goes through `upgrade`.
_CELL = {"backbone": "r", "arm": "real", "n": "all", "ratio": "inf", "seed": 0}
_SPREAD = {field.name: 0.5 for field in dataclasses.fields(Scores)}
_INTERVAL = {"low": 0.1, "high": 0.2, "level": 0.95, "method": "Wilson"}
_EVALUATION = {
    "dataset": "d",
    "seed": 0,
    "class_names": ["cat", "dog"],
    "num_test": 4,
    "cells": [
        _CELL
        | {
            "folds": [_SPREAD | {"fold": 0, "confusion": [[1, 1], [0, 2]]}],
            "mean": _SPREAD,
            "std": dict.fromkeys(_SPREAD),
            "accuracy_interval": _INTERVAL,
        }
    ],
    "best": _CELL | {"fold": 0, "rule": "the best"},
}


@functools.cache
def documents() -> tuple[Seed, ...]:
    """Results of several kinds, their names before the ending, sealed and not."""
    seeds = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.json"
        for name, stored in _documents().items():
            stored.write(path)
            seeds.append(Seed(f"{name}.json", path.read_bytes()))
            seeds.append(Seed(f"{name}.json", json.dumps(stored.to_document()).encode()))
    return *seeds, Seed("Evaluation.json", json.dumps(_EVALUATION).encode())


@functools.cache
def logs() -> tuple[Seed, ...]:
    """A log of a training."""
    lines = [{"step": i, "loss": 0.5 / (i + 1), "levels": [1, None], "x": "é"} for i in range(4)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return Seed("metrics.jsonl", text.encode()), Seed("metrics.jsonl", text.encode()[:-9])


@functools.cache
def sealed_arrays() -> tuple[Seed, ...]:
    """Arrays with a seal, and one of an earlier version without."""
    seeds = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.npy"
        for array in (np.arange(12, dtype=np.float32).reshape(3, 4), np.zeros((2, 2), np.uint8)):
            files.write_array(path, array, made_of="ab")
            seeds.append(Seed("x.npy", path.read_bytes()))
        np.save(path, np.arange(5))
        seeds.append(Seed("x.npy", path.read_bytes()))
    return tuple(seeds)
