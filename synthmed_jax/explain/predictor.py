"""Probabilities of a network for an image with some of its regions hidden, many times over."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import parallel
from synthmed_jax.parallel import Tree

# (variables, images [B,S,S,C]) -> f32[B,K].
Logits = Callable[[Tree, jax.Array], jax.Array]

# Masks are padded to a multiple of this, so that images of 40 and of 60 regions share a program.
REGIONS_STEP = 32


class View(NamedTuple):
    """One image as it is perturbed.

    Attributes:
      image: u8 or f32 [S,S,C].
      segments: i32[S,S], region of each pixel, 0..R-1.
      fill: [C] of the image's type, what hidden regions show.
    """

    image: np.ndarray
    segments: np.ndarray
    fill: np.ndarray

    @property
    def num_regions(self) -> int:
        """R."""
        return int(self.segments.max()) + 1


def make_view(image: np.ndarray, segments: np.ndarray) -> View:
    """Returns a view whose hidden regions take the mean colour of the image.

    lime's default, the mean of the hidden region, would not change an even tumour that fills its
    region, and would give it no weight.

    Args:
      image: u8 or f32 [S,S,C].
      segments: i32[S,S], region of each pixel, 0..R-1.
    """
    fill = image.mean(axis=(0, 1), dtype=np.float64)
    fill = np.rint(fill) if image.dtype == np.uint8 else fill
    return View(image, segments, fill.astype(image.dtype))


def hide(view: View, masks: jax.Array | np.ndarray) -> jax.Array:
    """Returns the images [B,S,S,C] in which the regions that a mask does not show are filled.

    Args:
      masks: bool[B,R] or wider, True where a region is shown.
    """
    size = view.image.shape[0]
    # Transposed, a region's row says in which images it is shown, and is gathered as a whole.
    shown = jnp.transpose(masks)[jnp.reshape(view.segments, -1)]
    shown = jnp.transpose(shown).reshape(-1, size, size, 1)
    return jnp.where(shown, view.image, view.fill)


class Predictor:
    """Probabilities of a network for images, and for one image under masks; on all devices."""

    def __init__(self, logits: Logits, variables: Tree, batch_size: int):
        """Compiles on first use.

        Args:
          logits: the network; traced by JAX.
          variables: its weights.
          batch_size: images per call.
        """

        def probabilities(variables: Tree, images: jax.Array) -> jax.Array:
            return jax.nn.softmax(logits(variables, images))

        def masked(state: tuple[Tree, View], masks: jax.Array) -> jax.Array:
            variables, view = state
            return probabilities(variables, hide(View(*view), masks))

        self.logits = logits
        self.variables = parallel.everywhere(variables)
        self._probabilities = parallel.map_examples(probabilities, batch_size)
        self._masked = parallel.map_examples(masked, batch_size)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """f32[N,K] of images [N,S,S,C]."""
        return np.asarray(self._probabilities(self.variables, images))

    def masked(self, view: View, masks: np.ndarray) -> np.ndarray:
        """f32[N,K] of the view under masks bool[N,R]."""
        missing = -masks.shape[1] % REGIONS_STEP
        padded = np.pad(masks, ((0, 0), (0, missing)), constant_values=True)
        return np.asarray(self._masked((self.variables, view), padded))
