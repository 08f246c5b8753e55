"""predict/predict.json: which network answered for new images, and what became of each file."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class Predictions(Stored):
    """predict/predict.json; the answers themselves are in predictions.csv.

    Attributes:
      network: which one answered, and by what rule it was chosen.
      temperature: that its logits are divided by; None: it is not calibrated, since `val` images do
        not determine one.
      num_val: `val` images that there are.
      counts: class -> number of images that are called so.
      left_out: number of files that gave no image; left_out.csv names them.
      note: what is not known about the grey scale of the images, a sentence; "": nothing.
      explanations: image -> path of the picture that explains its answer, below the workdir.
    """

    network: BestNetwork
    temperature: float | None
    num_val: int
    counts: dict[str, int]
    left_out: int
    note: str
    explanations: dict[str, str]
