"""What a precision of LIME's explanations costs, and how well two seeds then agree.

    python -m benchmarks.lime_precision --workdir=/runs/mine

The best network of a finished run is explained on real `val` images, and on `fit` images where
these are too few, with several seeds. Every explanation takes config.explain.num_samples perturbed
images, and is fitted at each look at its errors; at a precision it is taken as it was where it
would have stopped. Beside it stand explanations that all stop at the same look.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import duel, reference
from synthmed_jax import settings
from synthmed_jax.explain.lime import CONTROLS, LimeSettings
from synthmed_jax.explain.masks import draw_masks, round_ends
from synthmed_jax.explain.precision import relative_error, strongest
from synthmed_jax.explain.predictor import Predictor, make_view
from synthmed_jax.explain.segmentation import segment
from synthmed_jax.finished_run import BLOCKS
from synthmed_jax.stages import explain
from synthmed_jax.stages.run import make_run

PRECISIONS = (0.2, 0.15, 0.1, 0.08, 0.06)


class Look(NamedTuple):
    """One explanation as it is after some of its perturbed images.

    Attributes:
      num_samples: how many.
      weights: f64[R], for the predicted class.
      error: relative error.
    """

    num_samples: int
    weights: np.ndarray
    error: float


def looks(predictor: Predictor, image: np.ndarray, lime: LimeSettings, seed: int) -> list[Look]:
    """One explanation of an image u8[S,S,C] at each look at its errors."""
    view = make_view(image, segment(image, lime.segmentation, lime.regions))
    masks, group = draw_masks(seed, lime.num_samples, view.num_regions, lime.sampling)
    answers = predictor.masked(view, masks)
    label, found = answers[0].argmax(), []
    for end in round_ends(lime.num_samples, view.num_regions):
        fit = CONTROLS[lime.control](
            masks[:end], answers[:end], group[:end], seed, lime.num_samples
        )
        weights = fit.weights[:, label]
        error = relative_error(weights, fit.standard_errors[:, label])
        found.append(Look(end, weights, error))
    return found


def figures(images: Sequence[Sequence[Look]]) -> Mapping[str, float]:
    """Returns what explanations took, and how far those of one image under two seeds agree.

    Args:
      images: per image, one look per seed.
    """
    used = [look.num_samples for seeds in images for look in seeds]
    shared, apart = [], []
    for seeds in images:
        for a, b in itertools.combinations((look.weights for look in seeds), 2):
            shared.append(len({*_top(a)} & {*_top(b)}) / len(_top(a)))
            apart.append(float(np.abs(a / np.abs(a).max() - b / np.abs(b).max()).max()))
    errors = [look.error for seeds in images for look in seeds]
    return {
        "mean": float(np.mean(used)),
        "median": float(np.median(used)),
        "top_5_shared": float(np.mean(shared)),
        "furthest_apart_90": float(np.quantile(apart, 0.9)),
        "error_10": float(np.quantile(errors, 0.1)),
        "error_50": float(np.median(errors)),
        "error_90": float(np.quantile(errors, 0.9)),
    }


def _top(weights: np.ndarray) -> list[int]:
    return [int(region) for region in np.argsort(-np.abs(weights), kind="stable")[:5]]


def stopped(explanation: Sequence[Look], precision: float) -> Look:
    """An explanation where it stops."""
    return next((look for look in explanation if look.error <= precision), explanation[-1])


def main() -> None:
    """Measures every precision, and every fixed number, on the same explanations."""
    options = reference.parse(__doc__, workdir="", images=24, seeds=6, num_samples=1000)
    workdir = pathlib.Path(options.workdir)
    document = json.loads((workdir / "config.json").read_text())
    document["explain"]["num_samples"] = options.num_samples
    run = make_run(settings.from_document(document, BLOCKS), workdir)
    rng, lime = np.random.default_rng(0), run.settings.explain.lime
    shuffled = []
    for part in (run.inputs.parts.val, run.inputs.parts.fit):
        images = run.inputs.at_network_size(part).images
        shuffled.append(images[rng.permutation(len(images))])
    images = np.concatenate(shuffled)[: options.images]
    network = explain.load_network(run, explain.explained_network(run))
    predictor = Predictor(*network, run.settings.explain.batch_size)
    found = [
        [looks(predictor, image, lime, seed) for seed in range(options.seeds)] for image in images
    ]
    fixed: dict[int, list[list[Look]]] = {}
    for seeds in found:
        for at in zip(*seeds, strict=True):
            fixed.setdefault(at[0].num_samples, []).append(list(at))
    duel.report(
        {
            "name": f"lime_precision, {run.settings.data.name}",
            "images": len(images),
            "seeds": options.seeds,
            "regions_marked": float(np.mean([len(strongest(s[-1].weights)) for [s, *_] in found])),
            "precision": {
                str(precision): figures(
                    [[stopped(each, precision) for each in seeds] for seeds in found]
                )
                for precision in PRECISIONS
            },
            # Images of more regions have longer rounds, and fewer looks.
            "fixed": {
                str(n): figures(of_n)
                for n, of_n in sorted(fixed.items())
                if len(of_n) == len(found)
            },
        }
    )


if __name__ == "__main__":
    main()
