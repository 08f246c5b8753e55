"""A predictor whose answers are kept on disk, for explanations that were broken off."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthmed_jax import checkpoint
from synthmed_jax.explain.predictor import Logits, Predictor, View
from synthmed_jax.files import write_bytes


class RememberedPredictor(Predictor):
    """A `Predictor` that answers from its folder what it was asked before.

    Explaining is deterministic, and nearly all of its time is the network's: one that starts again
    is soon where it was.
    """

    def __init__(self, logits: Logits, variables: Any, batch_size: int, folder: pathlib.Path):
        """As `Predictor`; folder: gets a file an answer, named by the weights and the question."""
        super().__init__(logits, variables, batch_size)
        self._weights = checkpoint.digest(variables)
        self._folder = folder

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """f32[N,K] of images [N,S,S,C]."""
        return self._answer([images], super().probabilities)

    def masked(self, view: View, masks: np.ndarray) -> np.ndarray:
        """f32[N,K] of the view under masks bool[N,R]."""
        return self._answer([view, masks], super().masked)

    def _answer(self, question: Sequence[Any], ask: Callable[..., np.ndarray]) -> np.ndarray:
        name = f"{self._weights[:16]}-{checkpoint.digest(question)[:32]}.npy"
        path = self._folder / name
        known = _read(path)
        if known is not None:
            return known
        answer = ask(*question)
        file = io.BytesIO()
        np.save(file, answer, allow_pickle=False)
        write_bytes(path, file.getvalue())
        return answer


def _read(path: pathlib.Path) -> np.ndarray | None:
    """The answer; None: there is none, or a power cut left a part of it."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (FileNotFoundError, ValueError, EOFError):
        return None
