"""How the rows of a batch are divided over devices that all get as many."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Shares:
    """A batch's division over devices, as even as that goes.

    Each device has a run of the batch's rows, in order, one more than another at most. Where that
    is fewer than `local`, copies of its last row follow: they fill it up, and do not count.

    Attributes:
      size: rows of the batch.
      devices: that share them.
      parts: the rows of a device are a multiple of this.
    """

    size: int
    devices: int
    parts: int = 1

    @property
    def local(self) -> int:
        """Rows of each device, those that fill it up among them."""
        return -(-self.size // (self.devices * self.parts)) * self.parts

    @property
    def is_even(self) -> bool:
        """Whether all rows count."""
        return self.size == self.devices * self.local

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """i64[devices+1], the first row of each device, and the number of all rows."""
        return np.arange(self.devices + 1) * self.size // self.devices

    @functools.cached_property
    def counts(self) -> np.ndarray:
        """bool[devices,local], which rows of the devices count."""
        own: np.ndarray = np.arange(self.local) < np.diff(self.starts)[:, None]
        return own

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """i64[devices,local], the row of the batch that each row of the devices is."""
        last = np.maximum(self.starts[1:] - 1, 0)
        return np.minimum(self.starts[:-1, None] + np.arange(self.local), last[:, None])

    @functools.cached_property
    def weights(self) -> np.ndarray:
        """f32[devices,local], with which the mean over all rows of the devices is the batch's."""
        return (self.counts * (self.counts.size / self.size)).astype(np.float32)
