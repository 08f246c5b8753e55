"""Decoded images with their labels and names: the form that every part of a data set has."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Decoded images of one part.

    Attributes:
      images: u8[N,S,S,C], may be memory-mapped and read-only; C = 1 (grey) or 3 (RGB).
      labels: i32[N], indices into class_names.
      files: N relative POSIX paths.
      class_names: sorted; a class may have no image in a part.
    """

    images: np.ndarray
    labels: np.ndarray
    files: tuple[str, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def counts(self) -> dict[str, int]:
        """Class -> its number of images, 0 for a class that has none."""
        counted = np.bincount(self.labels, minlength=len(self.class_names)).tolist()
        return dict(zip(self.class_names, counted, strict=True))

    def subset(self, indices: np.ndarray | Sequence[int]) -> ImageSet:
        """Returns the images at `indices` (int[M], in that order), copied into memory."""
        chosen = np.asarray(indices, np.int64)
        files = tuple(self.files[index] for index in chosen)
        return ImageSet(
            np.asarray(self.images)[chosen], self.labels[chosen], files, self.class_names
        )


def concatenate(first: ImageSet, second: ImageSet) -> ImageSet:
    """Returns the images of one set and then those of another of the same classes and size.

    Raises:
      ValueError: the images differ in size or channels.
    """
    return ImageSet(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        first.files + second.files,
        first.class_names,
    )
