"""Other methods that weigh LIME's regions, so that all methods are scored alike."""

from __future__ import annotations

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax.explain.predictor import Predictor, View
from synthmed_jax.parallel import Tree

# Grad-CAM reads the last feature map of at least so many pixels along each side: of small images
# the very last one is a single pixel, which says nothing about where.
SMALLEST_MAP = 4

# What flax hands to an interceptor of a module's method, beside the method.
Args = tuple[Tree, ...]
Options = dict[str, Tree]
Context = nn.module.InterceptorContext


def occlusion(predictor: Predictor, view: View, label: int) -> np.ndarray:
    """Returns by how much hiding each region alone lowers a class's probability, f64[R].

    Zeiler & Fergus (2014).
    """
    masks = np.concatenate([np.ones((1, view.num_regions), bool), np.eye(view.num_regions) == 0])
    answers = predictor.masked(view, masks)[:, label].astype(np.float64)
    return answers[0] - answers[1:]


class GradCam:
    """Grad-CAM (Selvaraju et al., 2017) of any Linen network, compiled once per image size.

    It intercepts the forward pass to find the feature map, so that no network is written for it.
    """

    def __init__(self, predictor: Predictor):
        """Compiles on first use; the logits of `predictor` must call Linen modules."""
        self._predictor = predictor
        self._maps = jax.jit(self._map)

    def __call__(self, view: View, label: int) -> np.ndarray:
        """Returns the mean of the map of class `label` over each region, f64[R]."""
        heat = np.asarray(
            self._maps(self._predictor.variables, view.image[None], label), np.float64
        )
        return mean_by_region(heat, view.segments)

    def _map(self, variables: Tree, images: jax.Array, label: jax.Array) -> jax.Array:
        """f32[S,S] of images [1,S,S,C]: relu(sum_c mean(dy/dA_c) relu(A_c)), resized.

        Whether a network's last module ends in a ReLU or before it is a matter of how it is
        written: the paper's A_c are activations, and so they are here.
        """
        place, shape = self._last_map(variables, images)

        def logit(change: jax.Array) -> tuple[jax.Array, jax.Array]:
            outputs: list[jax.Array] = []

            def add(
                call: Callable[..., Tree], args: Args, options: Options, context: Context
            ) -> Tree:
                output = call(*args, **options)
                if _is_map(output, context):
                    outputs.append(output)
                    if len(outputs) - 1 == place:
                        return output + change
                return output

            with nn.intercept_methods(add):
                logits = self._predictor.logits(variables, images)
            return logits[0, label], outputs[place]

        gradient, features = jax.grad(logit, has_aux=True)(jnp.zeros(shape))
        weights = gradient.mean(axis=(1, 2), keepdims=True)
        heat = jax.nn.relu((weights * jax.nn.relu(features)).sum(axis=-1))
        return jax.image.resize(heat[0], images.shape[1:3], "bilinear")

    def _last_map(self, variables: Tree, images: jax.Array) -> tuple[int, tuple[int, ...]]:
        """Place of the map to read among the network's feature maps, in order, and its shape."""
        shapes: list[tuple[int, ...]] = []

        def record(
            call: Callable[..., Tree], args: Args, options: Options, context: Context
        ) -> Tree:
            output = call(*args, **options)
            if _is_map(output, context):
                shapes.append(output.shape)
            return output

        # A new function: JAX would not trace again one that it has traced before.
        with nn.intercept_methods(record):
            jax.eval_shape(lambda v, x: self._predictor.logits(v, x), variables, images)
        least = min(SMALLEST_MAP, max(min(shape[1:3]) for shape in shapes))
        place = max(i for i, shape in enumerate(shapes) if min(shape[1:3]) >= least)
        return place, shapes[place]


def _is_map(output: Tree, context: Context) -> bool:
    return context.method_name == "__call__" and getattr(output, "ndim", 0) == 4


def mean_by_region(values: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Mean of f64[S,S] over each region of i32[S,S]: f64[R]."""
    flat = segments.reshape(-1)
    return np.bincount(flat, weights=values.reshape(-1)) / np.bincount(flat)
