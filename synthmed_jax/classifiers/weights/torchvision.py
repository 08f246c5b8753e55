"""Turns torchvision's weights into ours: names and layouts, both checked entry by entry."""

import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from synthmed_jax.classifiers.networks import BACKBONES, create
from synthmed_jax.classifiers.networks.backbone import Backbone, Variables
from synthmed_jax.errors import UserError

# Substitutions, in order, that turn our module path (joined by ".") into torchvision's.
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
IGNORED_SUFFIX = ".num_batches_tracked"


def count_classes(name: str, state_dict: Mapping[str, np.ndarray]) -> int | None:
    """Number of classes of a state dict's head; None: it has no head, or none of that shape."""
    bias = state_dict.get(f"{BACKBONES[name].head}.bias")
    return None if bias is None or bias.ndim != 1 else len(bias)


def from_state_dict(
    name: str,
    state_dict: Mapping[str, np.ndarray],
    num_classes: int | None,
    *,
    small_images: bool = False,
) -> Variables:
    """Returns the Flax variables that hold a torchvision state dict.

    Args:
      name: of the network, a key of `networks.BACKBONES`.
      state_dict: torchvision's parameter names to arrays in torch's layout; copied to float32.
      num_classes: outputs of the head, which must be those of the state dict; None: without head.
      small_images: as the network's.

    Returns:
      {"params": ..., "batch_stats": ...} of f32 numpy arrays, ready for `module.apply`.

    Raises:
      UserError: a name is missing or unknown, a shape differs, or numbers are complex or not
        finite; the message names it.
    """
    given = _current_entries(BACKBONES[name], state_dict)
    template = _template(name, num_classes or 1, small_images)
    entries = {path: _torch_entry(path, leaf.ndim) for path, leaf in template.items()}
    if num_classes is None:
        given = {key: array for key, array in given.items() if not _in_head(name, key)}
        entries = {path: entry for path, entry in entries.items() if not _in_head(name, entry[0])}

    expected = {key for key, _ in entries.values()}
    _refuse_names(name, "lacks", sorted(expected - set(given)))
    _refuse_names(name, "has unknown entries", sorted(set(given) - expected))

    variables = {}
    for path, (key, axes) in entries.items():
        array = np.asarray(given[key])
        wanted = tuple(template[path].shape[axes.index(axis)] for axis in range(len(axes)))
        if array.shape != wanted:
            stem = "with" if small_images else "without"
            of = f"with {num_classes} classes" if _in_head(name, key) else f"{stem} small_images"
            raise UserError(
                f"the state dict does not fit {name} {of}: {key!r} has shape {array.shape}, but "
                f"{wanted} is needed."
            )
        if array.dtype.kind == "c":
            raise UserError(f"the state dict's {key!r} holds complex numbers: not {name}'s weights")
        with np.errstate(over="ignore"):
            # Contiguous, because a transposed view would be copied at every use.
            variables[path] = np.ascontiguousarray(array.transpose(axes), np.float32)
        if not np.isfinite(variables[path]).all():
            raise UserError(
                f"the state dict's {key!r} holds numbers that are not finite (in 32 bits): no "
                "training can start from them. Take other weights"
            )
    return {"batch_stats": {}, **traverse_util.unflatten_dict(variables)}


def _current_entries(
    backbone: Backbone, state_dict: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The entries that our network has a place for, under torchvision's present names."""
    entries = {
        key: array
        for key, array in state_dict.items()
        if not key.endswith(IGNORED_SUFFIX) and not key.startswith(backbone.left_out)
    }
    if backbone.older_names is None:
        return entries
    pattern, replacement = backbone.older_names
    return {re.sub(pattern, replacement, key): array for key, array in entries.items()}


def _in_head(name: str, key: str) -> bool:
    return key.rpartition(".")[0] == BACKBONES[name].head


def _template(
    name: str, num_classes: int, small_images: bool
) -> dict[tuple[str, ...], jax.ShapeDtypeStruct]:
    """Returns shape and dtype of every variable, by path (collection, module, ..., leaf)."""
    module = create(name, num_classes, small_images=small_images)
    # Images of a size that every network accepts; no weight's shape depends on it.
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
