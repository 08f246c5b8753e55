"""A predictor whose answers are cached on disk, for explanations that were interrupted."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from synthmed_jax import checkpoint
from synthmed_jax.errors import Damaged
from synthmed_jax.explain.predictor import Logits, Predictor, View
from synthmed_jax.files import read_array, write_array
from synthmed_jax.parallel import Tree


class RememberedPredictor(Predictor):
    """A `Predictor` that caches its answers in a folder.

    Explaining is deterministic, and the network takes nearly all of its time. An explanation that
    starts again asks the same questions, and their cached answers bring it quickly to where it was
    interrupted.
    """

    def __init__(self, logits: Logits, variables: Tree, batch_size: int, folder: pathlib.Path):
        """Compiles on first use.

        Args:
          logits, variables, batch_size: as of `Predictor`.
          folder: receives one file per answer, named by the weights and the question.
        """
        super().__init__(logits, variables, batch_size)
        self._weights = checkpoint.digest(variables)
        self._folder = folder

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """f32[N,K] of images [N,S,S,C]."""
        return self._answer([images], super().probabilities)

    def masked(self, view: View, masks: np.ndarray) -> np.ndarray:
        """f32[N,K] of the view under masks bool[N,R]."""
        return self._answer([view, masks], super().masked)

    def _answer(
        self, question: Sequence[View | np.ndarray], ask: Callable[..., np.ndarray]
    ) -> np.ndarray:
        name = f"{self._weights[:16]}-{checkpoint.digest(question)[:32]}.npy"
        path = self._folder / name
        cached = _read(path)
        if cached is not None:
            return cached
        answer = ask(*question)
        write_array(path, answer)
        return answer


def _read(path: pathlib.Path) -> np.ndarray | None:
    """Reads an answer; None where there is none, or a damaged one: it is asked for again."""
    try:
        return read_array(path)[0]
    except (FileNotFoundError, Damaged):
        return None
