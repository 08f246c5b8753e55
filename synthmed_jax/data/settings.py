"""The config blocks of the data, as checked dataclasses; importing them opens no library of data.

Whoever builds or reads settings needs neither TFDS nor grain, JAX or Pillow. What depends on the
data set that `DataSettings.name` names is checked where the sets are: `sets.check_settings`.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path

from synthmed_jax import checks
from synthmed_jax.data import blocks, stacks
from synthmed_jax.errors import UserError

FITS = ("pad", "crop", "stretch")
FLIPS = ("none", "horizontal", "dihedral")
CONFLICTS = ("refuse", "drop", "keep")
NEAR_DUPLICATES, TWINS = "near_duplicates", "twins"
LOOK_FOR = (NEAR_DUPLICATES, TWINS)
"""What is alike: the values of `split.look_for`; the first is one of `split.group_by` as well."""
DEFAULT_CACHE = "~/.cache/synthmed_jax"
DICOM_WINDOW = "dicom"
"""The value of `window` with which every DICOM file is seen through its own window."""


def names(text: str) -> tuple[str, ...]:
    """Splits "a, b" at its commas, but for those in quotes: 'a, "b, c"' are a and b, c.

    Raises:
      UserError: a quote without its counterpart.
    """
    try:
        parts = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise UserError(
            f"{text!r} can't be read as names with commas: quotes come in pairs, around a whole "
            "name, as 'a,\"b, c\"'"
        ) from error
    return tuple(part.strip() for part in parts if part.strip())


def window_of(text: str) -> tuple[float, float] | None:
    """Returns (lo, hi) of "lo,hi"; None for "" and "dicom"."""
    if text in ("", DICOM_WINDOW):
        return None
    lo, hi = (float(part) for part in text.split(","))
    return lo, hi


def _check_window(text: str) -> None:
    try:
        window = window_of(text)
        right = window is None or (math.isfinite(window[1] - window[0]) and window[0] < window[1])
    except ValueError:
        right = False
    if not right:
        raise UserError(
            f'config.data.window={text!r} must be "lo,hi" with lo below hi, such as -160,240, '
            f'"{DICOM_WINDOW}" or ""'
        )


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """The config block `data`; values out of range raise UserError.

    `name`, `variant` and what only one set reads are checked by `sets.check_settings`.

    Attributes:
      name: a key of `sets.DATASETS`.
      dir: the data set's root or a folder that holds it ("": fetch it; phantom: not read).
      variant: leukemia's `Original` or `Segmented`; the other sets do not read it.
      image_size: side of the square images, pixels.
      channels: 1 (luminance) or 3 (RGB).
      square: how an image becomes square: pad | crop | stretch.
      cache_dir: prepared data and decoded arrays ("": ~/.cache/synthmed_jax).
      phantom_images: phantoms per class.
      phantom_seed: seed of the phantoms.
      table: a table of labels ("": the folders name the classes); see labels_table.py.
      columns: "" or the table's columns by other names, "file=image_id,label=dx,patient=id".
      classes: "" or the names of the classes that are wanted, with commas; a name that holds one
        is in quotes. So are the other lists.
      parts: "" or the folders below `dir` that each hold the class folders, with commas.
      exclude: "" or globs of files to leave out, with commas; each is matched against the relative
        path and against the file's name.
      keep_masks: whether masks beside their images count as images.
      conflicts: what happens to identical files under two labels: refuse | drop | keep.
      window: "", "dicom" or "lo,hi": the values that become black and white (grey_scale.py).
      slices: "" or which images of a stack are used (stacks.py).
      max_pixels: larger images are left out.
    """

    name: str
    dir: str
    variant: str
    image_size: int
    channels: int
    square: str
    cache_dir: str
    phantom_images: int
    phantom_seed: int
    table: str = ""
    columns: str = ""
    classes: str = ""
    parts: str = ""
    exclude: str = ""
    keep_masks: bool = False
    conflicts: str = "refuse"
    window: str = ""
    slices: str = ""
    max_pixels: int = 89_478_485

    def __post_init__(self) -> None:
        checks.one_of("config.data.square", self.square, FITS)
        checks.one_of("config.data.channels", self.channels, (1, 3))
        checks.at_least("config.data.image_size", self.image_size, 1)
        checks.one_of("config.data.conflicts", self.conflicts, CONFLICTS)
        checks.at_least("config.data.max_pixels", self.max_pixels, 1)
        _check_window(self.window)
        stacks.check(self.slices)

    @property
    def cache(self) -> Path:
        """The folder for prepared data and decoded arrays."""
        return Path(self.cache_dir or DEFAULT_CACHE).expanduser()


@dataclasses.dataclass(frozen=True)
class SplitSettings:
    """The config block `split`; values out of range raise UserError.

    Attributes:
      fraction: share of each class that becomes fit + val, rounded up to whole images; in (0, 1).
      val_fraction: share of fit + val that becomes val, rounded half up; in [0, 1), 0 = no val.
      counts: "" or fit + val images by class, "glioma=325,meningioma=330"; classes that are not
        named follow `fraction`.
      group_by: "none", "near_duplicates", "blocks:<n>", a regular expression over the file name, a
        .csv file or "dicom:<field>" (groups.py, grouping.py).
      seed: >= 0.
      look_for: "near_duplicates", or "twins": images of equal pixels alone, which takes no time
        that grows with the square of the number of images.
    """

    fraction: float
    val_fraction: float
    counts: str
    group_by: str
    seed: int
    look_for: str = NEAR_DUPLICATES

    def __post_init__(self) -> None:
        if self.look_for not in LOOK_FOR:
            raise UserError(f"split.look_for={self.look_for!r} is not one of {', '.join(LOOK_FOR)}")
        if self.look_for == TWINS and self.group_by == NEAR_DUPLICATES:
            raise UserError(
                "split.look_for=twins finds no near-duplicates, and split.group_by="
                "near_duplicates keeps them together: say what belongs together "
                "(split.group_by='^(patient\\d+)', a table), or split.group_by=none"
            )
        if not 0 < self.fraction < 1:
            raise UserError(f"split.fraction={self.fraction} must lie between 0 and 1")
        if not 0 <= self.val_fraction < 1:
            raise UserError(f"split.val_fraction={self.val_fraction} must be in [0, 1)")
        if self.seed < 0:
            raise UserError(f"split.seed={self.seed} must be at least 0")
        if self.group_by.startswith(blocks.BLOCKS):
            blocks.size_of(self.group_by)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How training images are varied; values out of range raise UserError.

    Attributes:
      flips: "none", "horizontal" (left-right mirror with probability 1/2) or "dihedral" (one of
        the square's 8 symmetries, for images without an up, such as blood smears).
      shift: largest shift in pixels; each axis draws from [-shift, shift]. What comes in repeats
        the edge: black would be a frame that bright microscopy never has, and a reflection would
        double anatomy at the border.
      warp: probability in [0, 1] of a geometric warp whose numbers come with the image (warp.py),
        for a network that is told of them; 0: no warps, and no numbers.
    """

    flips: str
    shift: int
    warp: float = 0.0

    def __post_init__(self) -> None:
        if self.flips not in FLIPS:
            raise UserError(f"flips={self.flips!r} is not one of {', '.join(FLIPS)}")
        if self.shift < 0:
            raise UserError(f"shift={self.shift} must be at least 0 pixels")
        if not 0 <= self.warp <= 1:
            raise UserError(f"warp={self.warp} must be between 0 and 1")
