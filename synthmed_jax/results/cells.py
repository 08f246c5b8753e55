"""The cells of the experiment, and how the training of each of their folds ended."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import re
from collections.abc import Sequence
from typing import Self

from synthmed_jax.results.stored import Document, Stored

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"  # as `repr` writes one that is not negative
_PATH = re.compile(rf"([^/]+)/([^/]+)/(all|\d+(?:\+\d+)*)-(inf|{_NUMBER})-s(\d+)")
# Images per class; or those of each class, where they differ; or None: all of `fit`.
Amount = int | tuple[int, ...] | None


def amount_of(counts: Sequence[int]) -> int | tuple[int, ...]:
    """Returns the one number that all classes have, else all numbers.

    Args:
      counts: images of each class, in the order of the labels.
    """
    return counts[0] if len(set(counts)) == 1 else tuple(counts)


def amount_text(n: Amount) -> str:
    """Returns "all", "500", or "500+20" where classes differ, as names of files have it."""
    if n is None:
        return "all"
    return str(n) if isinstance(n, int) else "+".join(map(str, n))


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell of the experiment: a network trained on one training set.

    Attributes:
      backbone: the network's name.
      arm: what it is trained on, a name of `arms.ARMS`.
      n: images per class, or of each class where they differ; None: all of `fit`.
      ratio: synthetic to real images; infinite where there is no real one, 0 no synthetic one.
      seed: of folds, weights and batches.
    """

    backbone: str
    arm: str
    n: Amount
    ratio: float
    seed: int

    @property
    def cell(self) -> Cell:
        """The cell alone, where this is one with more to say."""
        return Cell(self.backbone, self.arm, self.n, self.ratio, self.seed)

    @property
    def texts(self) -> dict[str, str]:
        """Field -> text, as names of files and tables have it.

        n is as of `amount_text`; ratio is "inf", or as many digits as tell it from all others.
        """
        ratio = repr(float(self.ratio)).removesuffix(".0")
        texts = (self.backbone, self.arm, amount_text(self.n), ratio, str(self.seed))
        return dict(zip(("backbone", "arm", "n", "ratio", "seed"), texts, strict=True))

    @property
    def path(self) -> str:
        """Folder below classify/: <backbone>/<arm>/<n>-<ratio>-s<seed>."""
        return "{backbone}/{arm}/{n}-{ratio}-s{seed}".format(**self.texts)

    @classmethod
    def from_path(cls, path: str) -> Cell:
        """Returns the cell of a folder below classify/; raises ValueError for another path."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise ValueError(f"{path!r} is no folder of a cell")
        backbone, arm, text, ratio, seed = match.groups()
        n = None if text == "all" else amount_of([int(number) for number in text.split("+")])
        return Cell(backbone, arm, n, float(ratio), int(seed))

    def folder(self, classify: pathlib.Path, training: str) -> pathlib.Path:
        """Folder of one training, below the folder of the stage `classify`.

        Args:
          training: "fold0", or "training0" where every training has the whole training set.
        """
        return classify / self.path / training


def typed_cell(document: Document) -> Document:
    """Returns a cell of version 1, whose n and ratio were texts, with numbers."""
    n, ratio = document["n"], document["ratio"]
    number = None if n == "all" else int(n)
    return document | {"n": number, "ratio": math.inf if ratio == "inf" else float(ratio)}


@dataclasses.dataclass(frozen=True)
class SetScores:
    """Loss (nats) and accuracy (share) on one validation set."""

    loss: float
    accuracy: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the epoch of the lowest loss on one validation set scores on each of them.

    Attributes:
      epoch: from 1.
      scores: validation set ("fold", "real_val") -> its scores.
    """

    epoch: int
    scores: dict[str, SetScores]


@dataclasses.dataclass(frozen=True)
class InitialWeights:
    """What a training started from.

    Attributes:
      weights: "random", or the name of a file.
      sha256: of that file.
      head: "kept" or "random".
      transform_input: "yes" where GoogLeNet transforms its input.
    """

    weights: str
    sha256: str | None = None
    head: str | None = None
    transform_input: str | None = None


@dataclasses.dataclass(frozen=True)
class FoldResult(Stored):
    """result.json: how the training of one fold ended.

    Attributes:
      best_epoch: whose weights are kept, from 1.
      train_loss, train_accuracy: in the steps of that epoch (nats, share).
      val_loss, val_accuracy: after it, on the set that decides (nats, share).
      epochs: that were trained.
      stopped: why: "patience" or "max_epochs".
      choices: validation set -> the epoch that it would have chosen.
      passes_per_epoch: over the training set; None where an epoch is a number of steps.
      steps: optimiser steps in all.
      selected_by: the validation set that decides.
      batch_size: images per step.
      initial: what training started from.
      num_train, num_val: images trained on, and of the set that decides.
      seconds: of all epochs.
      images_per_second: trained on.
      made_by: digest of the settings and inputs that it was trained with, and
      weights, log: sha256 of the kept weights, and of metrics.jsonl; "" in files of earlier
        versions.
    """

    best_epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    epochs: int
    stopped: str
    choices: dict[str, Choice]
    passes_per_epoch: int | None
    steps: int
    selected_by: str
    batch_size: int
    initial: InitialWeights
    num_train: int
    num_val: int
    seconds: float
    images_per_second: float
    made_by: str = ""
    weights: str = ""
    log: str = ""

    @classmethod
    def read_fold(cls, folder: pathlib.Path) -> Self:
        """Reads the result in a fold's folder."""
        return cls.read(folder / "result.json")
