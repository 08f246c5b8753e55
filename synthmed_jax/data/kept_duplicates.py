"""The duplicates of a set are found once, and kept beside its decoded images.

Every start of a run asks for them where they decide the split, and they take minutes of large sets.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from synthmed_jax.data import near_duplicates
from synthmed_jax.data.near_duplicates import Duplicates
from synthmed_jax.errors import Damaged
from synthmed_jax.files import sha256
from synthmed_jax.results.stored import Stored

_MANY = 30_000  # images from which on the search takes over a minute
_SECONDS_PER_PAIR = 1e-7  # of each image with each, as docs/measurements.md has it


@dataclasses.dataclass(frozen=True)
class KeptDuplicates(Stored):
    """The file; fields as of `near_duplicates.Duplicates`."""

    threshold: float
    twins: tuple[int, ...]
    components: tuple[int, ...]
    pairs: tuple[tuple[int, ...], ...]
    alike: tuple[float, ...]


def find(images: np.ndarray, reference: np.ndarray, stem: Path | None) -> Duplicates:
    """Reads what `near_duplicates.find` has found, or finds it and keeps it.

    Args:
      images, reference: as of `near_duplicates.find`.
      stem: of the names of the files that are kept about these images; None: nothing is kept.
    """
    if stem is None:
        return _find(images, reference)
    key = sha256(np.asarray([near_duplicates.VERSION, *reference], np.int64).tobytes())
    path = stem.with_suffix(f".{key[:16]}.duplicates.json")
    try:
        kept = KeptDuplicates.read_if_there(path)
    except Damaged as error:
        print(f"{error}: duplicates are looked for anew", flush=True)
        kept = None
    if kept is not None:
        return Duplicates(
            kept.threshold,
            np.asarray(kept.twins, np.int64),
            np.asarray(kept.components, np.int64),
            np.asarray(kept.pairs, np.int64).reshape(-1, 2),
            np.asarray(kept.alike, np.float64),
        )
    found = _find(images, reference)
    new = KeptDuplicates(
        threshold=found.threshold,
        twins=tuple(found.twins.tolist()),
        components=tuple(found.components.tolist()),
        pairs=tuple(tuple(pair) for pair in found.pairs.tolist()),
        alike=tuple(found.alike.tolist()),
    )
    try:
        new.write(path)
    except OSError as error:
        print(f"duplicates can't be kept in {path.parent}: {error.strerror}", flush=True)
    return found


def _find(images: np.ndarray, reference: np.ndarray) -> Duplicates:
    if len(images) > _MANY:
        print(_said_before(len(images)), flush=True)
    return near_duplicates.find(images, reference)


def _said_before(num_images: int) -> str:
    minutes = num_images**2 * _SECONDS_PER_PAIR / 60
    return (
        f"near-duplicates: each of {num_images} images is compared with every other one, in about "
        f"{minutes:.0f} minutes; split.look_for=twins looks for equal pixels alone"
    )
