"""The package `lime` over our networks and regions: a second engine, and what ours is held to."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from lime import lime_image

from synthmed_jax.explain.predictor import View
from synthmed_jax.explain.ridge import Fit

BATCH_SIZE = 1000  # images that it collects before it asks; the network's own batches are smaller
ALL_CLASSES = 10**6  # of lime's "top" classes


def fit(
    probabilities: Callable[[np.ndarray], np.ndarray], view: View, num_samples: int, seed: int
) -> tuple[Fit, np.ndarray]:
    """Explains a view by `LimeImageExplainer`; its standard errors are unknown, NaN.

    Returns the fit, and the probabilities f32[K] of the image itself.

    Args:
      probabilities: images [N,S,S,C] of the view's type -> f32[N,K], any N.
      num_samples: perturbed images.
      seed: of the masks.
    """
    channels, dtype = view.image.shape[-1], view.image.dtype

    def classify(perturbed: np.ndarray) -> np.ndarray:
        # lime works on three float channels; ours are as the network was trained.
        return probabilities(perturbed[..., :channels].astype(dtype))

    explainer = lime_image.LimeImageExplainer(random_state=seed)
    fit_one = explainer.base.explain_instance_with_data
    kept: dict[int, tuple[float, float]] = {}

    def fit_and_keep(*args: Any, **options: Any) -> Any:
        # lime keeps neither the network's answers nor the R2 of any class but the last.
        result = fit_one(*args, **options)
        answers, k = args[1], args[3]
        # The first perturbed image is the image.
        kept[k] = result[2], answers[0, k]
        return result

    explainer.base.explain_instance_with_data = fit_and_keep
    with without_progress_bar():
        found = explainer.explain_instance(
            np.broadcast_to(view.image, (*view.image.shape[:2], 3)).astype(np.float32),
            classify,
            top_labels=ALL_CLASSES,
            hide_color=view.fill,
            num_samples=num_samples,
            batch_size=BATCH_SIZE,
            segmentation_fn=lambda _: view.segments,
            random_seed=seed,
        )
    num_classes = len(kept)
    weights = np.zeros((view.num_regions, num_classes))
    for k, regions in found.local_exp.items():
        for region, weight in regions:
            weights[region, k] = weight
    intercepts = np.array([found.intercept[k] for k in range(num_classes)])
    r2, whole = np.array([kept[k] for k in range(num_classes)]).T
    return Fit(weights, np.full_like(weights, np.nan), intercepts, r2), whole.astype(np.float32)


@contextlib.contextmanager
def without_progress_bar() -> Iterator[None]:
    """Silences lime, which prints a bar an image and has no switch for it (0.2.0.1)."""
    bar = lime_image.tqdm
    lime_image.tqdm = functools.partial(bar, disable=True)
    try:
        yield
    finally:
        lime_image.tqdm = bar
