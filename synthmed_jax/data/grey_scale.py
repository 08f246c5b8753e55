"""One grey scale for all files of a kind: which value becomes black, and which white.

A scale of each file's own would show the same tissue bright in one file and dark in the next.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthmed_jax.data.formats.opened import Kind

TAIL = 0.1
"""Percent of all pixels, at each end, that may be outliers such as metal or a burned-in mark."""

# Full ranges that devices and programs use.
_INTEGER_TOPS = (255, 4095, 65535)
_FLOAT_TOPS = (1, 255)
# Interpolation oversteps a range by about so much, as a part of it.
_OVERSHOOT = 0.02

_BINS = 1 << 16
# A float32's sign, exponent and first 7 bits of its fraction, in the order of the values.
_ORDER = np.concatenate([np.arange(_BINS - 1, _BINS // 2 - 1, -1), np.arange(_BINS // 2)])


class Histogram:
    """Counts of values over many images, in memory that does not grow (half a MiB).

    A bin holds the values whose float32 begins with the same 16 bits: it is at most 1/128 of its
    value wide, and whole numbers up to 256 have a bin each.

    Attributes:
      count: of the values.
      minimum: exact; inf if there is none.
      maximum: exact; -inf if there is none.
    """

    def __init__(self) -> None:
        self.count = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self._bins = np.zeros(_BINS, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Adds all values of an image, of any shape and real dtype, finite."""
        if values.size == 0:
            return
        self.count += values.size
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        limit = np.finfo(np.float32).max
        if values.dtype == np.float64:  # else it fits
            values = np.clip(values, -limit, limit)
        bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint32) >> 16
        self._bins += np.bincount(bits, minlength=_BINS)

    def add_all(self, other: Histogram) -> None:
        """Adds all values of another histogram."""
        self.count += other.count
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self._bins += other._bins

    def percentile(self, q: float) -> float:
        """Returns a value v at or below which q percent of the values are, 0 <= q <= 100.

        It is the smallest such value, moved by at most 1/128 of itself towards 0, and stays between
        the minimum and the maximum.

        Raises:
          ValueError: there are no values.
        """
        if self.count == 0:
            raise ValueError("no values were added")
        cumulative = np.cumsum(self._bins[_ORDER])
        rank = max(int(np.ceil(q / 100 * self.count)), 1)
        bits = _ORDER[np.searchsorted(cumulative, rank)]
        value = float(np.array(bits << 16, np.uint32).view(np.float32))
        return min(max(value, self.minimum), self.maximum)


@dataclasses.dataclass(frozen=True)
class Window:
    """The values `low` < `high` that become black and white, and why these."""

    low: float
    high: float
    why: str


def decide(kind: Kind, histogram: Histogram) -> Window:
    """Decides the grey scale of all files of a kind from all their values.

    1. The range goes from the 0.1 to the 99.9 percentile, lo to hi. An end moves out to the true
       minimum or maximum if that is at most (hi - lo) / 2 away: then nothing is clipped. What lies
       further out are outliers (metal, a burned-in mark), which are clipped.
    2. A range of plain numbers that starts at or above 0 is widened to 0..N, with the smallest N
       that holds it of 255, 4095 and 65535 (whole numbers) or 1 and 255 (fractions, which may
       overstep 0..N by 2 %: interpolation does), if it reaches at least half of N. DICOM and NIfTI
       have no such N.
    3. Else a range that starts between 0 and a quarter of its top starts at 0.

    Where all values are the same they become black.

    Raises:
      ValueError: the histogram is empty.
    """
    low, high = histogram.percentile(TAIL), histogram.percentile(100 - TAIL)
    minimum, maximum = histogram.minimum, histogram.maximum
    if minimum == maximum:
        return Window(minimum, minimum + max(1.0, abs(minimum)), f"every value is {minimum:.6g}")
    if low == high:  # nearly all pixels are background: what differs is the picture
        low, high = minimum, maximum
    reach = (high - low) / 2
    low = minimum if low - minimum <= reach else low
    high = maximum if maximum - high <= reach else high
    why = f"the values go from {low:.6g} to {high:.6g}"
    if low > minimum:
        why += f"; outliers down to {minimum:.6g} are clipped"
    if high < maximum:
        why += f"; outliers up to {maximum:.6g} are clipped"
    nominal = _nominal(kind, low, high)
    if nominal is not None:
        return Window(0.0, nominal, why)
    return Window(0.0 if 0 <= low < high / 4 else low, high, why)


def ends(kind: Kind, histogram: Histogram) -> tuple[float, float]:
    """Returns the (lowest, highest) value that files of a kind can hold, from all their values.

    Where the lowest value is white, v is as bright as lowest + highest - v is elsewhere. Plain
    numbers from 0 on end at the smallest of the full ranges of rule 2 that holds them; bits of a
    sign are as many below 0 as from 0 on. Other values end at their maximum.
    """
    if kind.name.endswith("signed"):
        half = 2.0 ** (int(kind.name.partition("-")[0]) - 1)
        return -half, half - 1
    if kind.name.startswith(("DICOM", "NIfTI")):
        return histogram.minimum, histogram.maximum
    fractions = kind.name == "float"
    tolerance = _OVERSHOOT if fractions else 0.0
    for top in _FLOAT_TOPS if fractions else _INTEGER_TOPS:
        if histogram.maximum <= (1 + tolerance) * top:
            return 0.0, float(top)
    return 0.0, histogram.maximum


def turn(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Makes the lowest value the brightest: values [H,W] of any real dtype become f64[H,W]."""
    return ends[0] + ends[1] - values.astype(np.float64)


def _nominal(kind: Kind, low: float, high: float) -> float | None:
    """Returns the N of rule 2; None if there is none."""
    if kind.name.startswith(("DICOM", "NIfTI")):
        return None
    fractions = kind.name == "float"
    tolerance = _OVERSHOOT if fractions else 0.0
    for top in _FLOAT_TOPS if fractions else _INTEGER_TOPS:
        if low >= -tolerance * top and high <= (1 + tolerance) * top:
            return float(top) if high >= top / 2 else None
    return None


def to_eight_bits(values: np.ndarray, window: Window, inverted: bool) -> np.ndarray:
    """Makes values [H,W] grey levels u8[H,W]: rint((v - low) * 255 / (high - low)), clipped.

    With `inverted`, `low` becomes white and `high` black. Values of 16 bits in the window 0..65535
    become exactly round(v / 257).
    """
    scaled = (values.astype(np.float64) - window.low) * 255 / (window.high - window.low)
    levels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return 255 - levels if inverted else levels
