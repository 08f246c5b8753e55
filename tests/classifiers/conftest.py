"""Golden values: torchvision's own answers with weights made from parameter names alone.

`golden/<network>.npz` holds float64 logits of torchvision 0.28 (torch 2.13, CPU): "eval/64" and
"eval/224" in inference, "train/96" in training, and the last BatchNorm's running statistics after
that training step; `golden/<network>.json` its parameters' names and shapes.
"""

import dataclasses
import importlib.util
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).parent / "golden"


@dataclasses.dataclass(frozen=True)
class Golden:
    answers: dict[str, np.ndarray]
    state_dict: dict[str, np.ndarray]
    images: Callable[..., np.ndarray]


def _named_weights() -> Any:
    spec = importlib.util.spec_from_file_location("named_weights", GOLDEN / "named_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    """Loads one network's golden values; `images(size, batch)` returns f32 NHWC."""
    made = _named_weights()

    def load(name: str) -> Golden:
        shapes = json.loads((GOLDEN / f"{name}.json").read_text())
        with np.load(GOLDEN / f"{name}.npz") as file:
            answers = dict(file)
        return Golden(
            answers=answers,
            state_dict={key: made.named_weight(key, tuple(s)) for key, s in shapes.items()},
            images=lambda *size: made.images(*size).transpose(0, 2, 3, 1).astype(np.float32),
        )

    return load
