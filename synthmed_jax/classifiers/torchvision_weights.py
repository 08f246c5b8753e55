"""torchvision's weights for our networks: names and layouts, both checked entry by entry."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from synthmed_jax import classifiers
from synthmed_jax.errors import UserError

# How torchvision's module path is read off ours (joined by "."): substitutions, in order.
NAMING = ((r"_(\d+)", r".\1"), (r"^features_", "features."))

# (our collection, our leaf, its dimensions) -> (torch's leaf, torch's axes in our order).
LEAVES: dict[tuple[str, str, int], tuple[str, tuple[int, ...]]] = {
    ("params", "kernel", 4): ("weight", (2, 3, 1, 0)),  # OIHW -> HWIO
    ("params", "kernel", 2): ("weight", (1, 0)),  # [out, in] -> [in, out]
    ("params", "scale", 1): ("weight", (0,)),
    ("params", "bias", 1): ("bias", (0,)),
    ("batch_stats", "mean", 1): ("running_mean", (0,)),
    ("batch_stats", "var", 1): ("running_var", (0,)),
}

# A counter that torch needs only for momentum=None.
IGNORED_SUFFIX = "num_batches_tracked"


def from_state_dict(
    name: str, state_dict: Mapping[str, np.ndarray], num_classes: int
) -> dict[str, Any]:
    """Returns the Flax variables that hold a torchvision state dict.

    Args:
      name: of the network, a key of `classifiers.BACKBONES`.
      state_dict: torchvision's parameter names to arrays in torch's layout; copied to float32.
      num_classes: outputs of the head, which must be those of the state dict.

    Returns:
      {"params": ..., "batch_stats": ...} of f32 numpy arrays, ready for `module.apply`.

    Raises:
      UserError: a name is missing or unknown, or a shape differs; the message names it.
    """
    template = _template(name, num_classes)
    entries = {path: _torch_entry(path, leaf.ndim) for path, leaf in template.items()}

    given = {key for key in state_dict if not key.endswith(IGNORED_SUFFIX)}
    expected = {key for key, _ in entries.values()}
    _refuse_names(name, "lacks", sorted(expected - given))
    _refuse_names(name, "has unknown entries", sorted(given - expected))

    variables = {}
    for path, (key, axes) in entries.items():
        array = np.asarray(state_dict[key])
        wanted = tuple(template[path].shape[axes.index(axis)] for axis in range(len(axes)))
        if array.shape != wanted:
            raise UserError(
                f"the state dict does not fit {name} with {num_classes} classes: {key!r} has shape "
                f"{array.shape}, but {wanted} is needed."
            )
        # Contiguous: a transposed view would be copied anew at every use.
        variables[path] = np.ascontiguousarray(array.transpose(axes), np.float32)
    return traverse_util.unflatten_dict(variables)


def _template(name: str, num_classes: int) -> dict[tuple[str, ...], jax.ShapeDtypeStruct]:
    """Returns shape and dtype of every variable, by path (collection, module, ..., leaf)."""
    module = classifiers.create(name, num_classes)
    # A size that each network accepts; no weight's shape depends on it.
    images = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    variables = jax.eval_shape(
        lambda key, x: module.init(key, x, train=False), jax.random.key(0), images
    )
    return traverse_util.flatten_dict(variables)


def _torch_entry(path: tuple[str, ...], ndim: int) -> tuple[str, tuple[int, ...]]:
    """Returns torchvision's name of one of our variables, and its axes in our order."""
    collection, *modules, leaf = path
    torch_leaf, axes = LEAVES[collection, leaf, ndim]
    prefix = ".".join(modules)
    for pattern, replacement in NAMING:
        prefix = re.sub(pattern, replacement, prefix)
    return f"{prefix}.{torch_leaf}", axes


def _refuse_names(name: str, complaint: str, keys: list[str]) -> None:
    if not keys:
        return
    shown = ", ".join(repr(key) for key in keys[:5])
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    raise UserError(
        f"the state dict {complaint}: {shown}{more}. Is it torchvision's {name}, with its names?"
    )
