"""Explains a handful of synthetic and of real test images with one network."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from synthmed_jax import checks, runlog
from synthmed_jax.data import held_out
from synthmed_jax.data.images import ImageSet
from synthmed_jax.explain.lime import PredictFn, choose_images, explain
from synthmed_jax.explain.pictures import draw_explanation


@dataclasses.dataclass(frozen=True)
class ExplainSettings:
    """How images are explained.

    Attributes:
      num_samples: perturbed images for each explained image.
      batch_size: images a call of the network.
      seed: of regions and perturbations.
    """

    num_samples: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        checks.at_least("config.explain.num_samples", self.num_samples, 2)
        checks.at_least("config.explain.batch_size", self.batch_size, 1)
        checks.at_least("config.explain.seed", self.seed, 0)


def explain_sets(
    settings: ExplainSettings,
    split_path: pathlib.Path,
    images: ImageSet,
    synthetic: ImageSet,
    resize: Callable[[ImageSet], ImageSet],
    predict_fn: PredictFn,
    model: dict[str, Any],
    directory: pathlib.Path,
) -> None:
    """Writes lime.json and a picture for each image; the paper explains both kinds (4.7, 5.5).

    Of each class: the surest correct prediction, and the surest wrong one or, failing that, the
    least certain.

    Args:
      split_path: split.json.
      images: the whole data set.
      synthetic: the synthetic set.
      resize: to the size that the network sees.
      predict_fn: u8[N,S,S,C] -> probabilities f32[N,K].
      model: which network this is, for lime.json.
      directory: receives the files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    names = images.class_names
    records = []
    for kind, whole in [("real", held_out.read_test(split_path, images)), ("synthetic", synthetic)]:
        candidates = resize(whole)
        chosen = candidates.subset(choose_images(predict_fn(candidates.images), candidates.labels))
        bar = runlog.progress(range(len(chosen)), description=f"explain {kind}", unit="image")
        for i in bar:
            (found,) = explain(
                chosen.images[i : i + 1],
                predict_fn,
                num_samples=settings.num_samples,
                batch_size=settings.batch_size,
                seed=settings.seed,
            )
            label = int(chosen.labels[i])
            picture = directory / f"{kind}_{names[label]}_{i}.png"
            draw_explanation(picture, chosen.images[i], found, names, truth=label, title=kind)
            records.append(
                {
                    "picture": f"explain/{picture.name}",
                    "kind": kind,
                    "file": chosen.files[i],
                    "label": names[label],
                    "predicted": names[found.label],
                    "probabilities": dict(
                        zip(names, [float(p) for p in found.probabilities], strict=True)
                    ),
                    "weights": [list(weight) for weight in found.weights[found.label]],
                    "r2": found.r2,
                }
            )
    runlog.write_json(
        directory / "lime.json",
        {
            "engine": "lime",
            "model": model,
            "num_samples": settings.num_samples,
            "seed": settings.seed,
            "images": records,
        },
    )
