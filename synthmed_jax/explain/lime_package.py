"""The package `lime` over our networks and regions: a second engine, which ours must agree with."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import numpy as np
from lime import lime_image

from synthmed_jax.explain.predictor import View
from synthmed_jax.explain.ridge import Fit

# Perturbed images that lime collects before it asks; they reach the network in smaller batches.
BATCH_SIZE = 1000
ALL_CLASSES = 10**6  # more "top" classes than any network has


def fit(
    probabilities: Callable[[np.ndarray], np.ndarray], view: View, num_samples: int, seed: int
) -> Fit:
    """Explains a view by `LimeImageExplainer`.

    Args:
      probabilities: images [N,S,S,C] of the view's type -> f32[N,K], any N.
      num_samples: perturbed images.
      seed: of the masks.

    Returns the fit, whose standard errors are NaN: lime does not estimate them.
    """
    channels, dtype = view.image.shape[-1], view.image.dtype

    def classify(perturbed: np.ndarray) -> np.ndarray:
        # lime works on three float channels; the network takes what it was trained on.
        return probabilities(perturbed[..., :channels].astype(dtype))

    explainer = lime_image.LimeImageExplainer(random_state=seed)
    fit_one = explainer.base.explain_instance_with_data
    r2_by_class: dict[int, float] = {}

    def fit_and_record(
        masks: np.ndarray,
        answers: np.ndarray,
        distances: np.ndarray,
        k: int,
        *args: object,
        **options: object,
    ) -> object:
        # lime's result has the R2 of no class but the last.
        result = fit_one(masks, answers, distances, k, *args, **options)
        r2_by_class[k] = result[2]
        return result

    explainer.base.explain_instance_with_data = fit_and_record
    with without_progress_bar():
        explanation = explainer.explain_instance(
            np.broadcast_to(view.image, (*view.image.shape[:2], 3)).astype(np.float32),
            classify,
            top_labels=ALL_CLASSES,
            hide_color=view.fill,
            num_samples=num_samples,
            batch_size=BATCH_SIZE,
            segmentation_fn=lambda _: view.segments,
            random_seed=seed,
        )
    num_classes = len(r2_by_class)
    weights = np.zeros((view.num_regions, num_classes))
    for k, regions in explanation.local_exp.items():
        for region, weight in regions:
            weights[region, k] = weight
    intercepts = np.array([explanation.intercept[k] for k in range(num_classes)])
    r2 = np.array([r2_by_class[k] for k in range(num_classes)])
    return Fit(weights, np.full_like(weights, np.nan), intercepts, r2)


@contextlib.contextmanager
def without_progress_bar() -> Iterator[None]:
    """Silences lime, which prints one bar per image and has no switch for it (0.2.0.1)."""
    bar = lime_image.tqdm
    lime_image.tqdm = functools.partial(bar, disable=True)
    try:
        yield
    finally:
        lime_image.tqdm = bar
