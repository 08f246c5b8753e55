"""Images without labels, from outside a run, made ready for its networks as its own images are.

Size, channels, square, window, slices and the largest image are the run's. A file that can't be
used is named with its reason; nothing is left out in silence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from synthmed_jax.data import decode
from synthmed_jax.data.decoding import DecodedFile, decode_file
from synthmed_jax.data.facts import UNREADABLE, GreyScale
from synthmed_jax.data.formats.opened import EIGHT_BITS
from synthmed_jax.data.formats.quiet import quiet
from synthmed_jax.data.scales import Scales
from synthmed_jax.data.sets import listing
from synthmed_jax.data.sets.builders import Record
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.data.threads import map_in_threads
from synthmed_jax.errors import UserError

OTHER_VALUES = "its grey values are not those of the run's images"
STACK = "several images in one file"


@dataclasses.dataclass(frozen=True, eq=False)
class Unlabelled:
    """Images whose class is not known.

    Attributes:
      images: u8[N,S,S,C], as the generator's are.
      files: N names: the file's path, or <path>#<number> for an image of a stack.
      left_out: files that give no image, each with its reason.
      num_eight_bit: how many of the files are of 8 bits.
    """

    images: np.ndarray
    files: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    num_eight_bit: int


def list_files(folder: Path) -> tuple[list[str], list[LeftOut]]:
    """Lists the images at any depth below a folder, and what is none of them.

    Returns:
      POSIX paths below the folder, sorted; and the files that are left out.

    Raises:
      UserError: there is no such folder, or it can't be listed.
    """
    if not folder.is_dir():
        raise UserError(
            f"--config.predict.dir={folder} is no folder: name the folder that holds the images"
        )
    return listing.sort_out(folder, "", listing.walk_files(folder), "")


def read_files(
    root: Path, files: Sequence[str], how: DataSettings, own: Sequence[GreyScale]
) -> Unlabelled:
    """Reads and decodes files as a run's own images were.

    Args:
      root: the folder that `files` are relative to.
      files: POSIX paths.
      how: the settings with which the run's own set is read.
      own: which values became black and white there, of the kinds of files that are not 8-bit.
    """
    pixels: list[np.ndarray] = []
    names: list[str] = []
    left_out: list[LeftOut] = []
    num_eight_bit = 0
    results = map_in_threads(functools.partial(_read_file, root, how=how, own=own), files)
    with (
        quiet(how.max_pixels),
        contextlib.closing(results) as decoded,
    ):  # `quiet` must end after the threads
        for file in decoded:
            if isinstance(file, LeftOut):
                left_out.append(file)
                continue
            num_eight_bit += file.kind == EIGHT_BITS
            pixels += file.images
            name, is_stack = file.record.file, file.num_frames > 1
            names += [f"{name}#{frame:04d}" if is_stack else name for frame in file.frames]
    shape = (how.image_size, how.image_size, how.channels)
    images = np.stack(pixels) if pixels else np.zeros((0, *shape), np.uint8)
    return Unlabelled(images, tuple(names), tuple(left_out), num_eight_bit)


def _read_file(
    root: Path, file: str, how: DataSettings, own: Sequence[GreyScale]
) -> DecodedFile | LeftOut:
    try:
        record = Record((root / file).read_bytes(), file, 0, "")
        decoded = _decode(record, how, own)
    except OSError as error:
        return LeftOut(file, "", UNREADABLE, error.strerror or str(error))
    except UserError as error:  # a setting of the run that does not fit this file
        return LeftOut(file, "", UNREADABLE, str(error))
    if isinstance(decoded, LeftOut):
        return decoded
    if decoded.failure:
        return LeftOut(file, "", decoded.reason, decoded.failure)
    if not decoded.frames:
        return LeftOut(
            file,
            "",
            STACK,
            f"it holds {decoded.num_frames}, and the run has no data.slices that says which are "
            "used: save the wanted ones as files of their own",
        )
    return decoded


def _decode(record: Record, how: DataSettings, own: Sequence[GreyScale]) -> DecodedFile | LeftOut:
    """Decodes a file; values of more than 8 bits get the black and white of the run's own."""
    scales = Scales({}, {})
    decoded = decode_file(record, how, scales)
    if decoded.values is None:
        return decoded
    for each in own:
        if each.kind == scales.describe(decoded.kind):
            window = f"{each.low!r},{each.high!r}"
            return decode_file(record, dataclasses.replace(how, window=window), scales)
    kinds = ", ".join(each.kind for each in own) or EIGHT_BITS.name
    return LeftOut(
        record.file,
        "",
        OTHER_VALUES,
        f"they are {scales.describe(decoded.kind)}, those of the run are {kinds}: save it as an "
        "8-bit image whose black and white are those of the run's",
    )


def prepare_array(image: np.ndarray, how: DataSettings) -> np.ndarray:
    """Makes an image that is in memory already what the run's own images are.

    Args:
      image: u8[H,W], u8[H,W,1] or u8[H,W,3] (RGB), of any size.
      how: the settings with which the run's own set is read.

    Returns:
      u8[S,S,C].

    Raises:
      UserError: another type or shape.
    """
    if image.ndim == 2:
        image = image[:, :, None]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise UserError(
            f"an image must be uint8 with the shape [height, width], [height, width, 1] or "
            f"[height, width, 3], and this one is {image.dtype} with the shape {image.shape}: "
            "make its values 0 (black) to 255 (white), or give the path of its file"
        )
    if image.shape[2] != how.channels:
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        converted = np.asarray(picture.convert("L" if how.channels == 1 else "RGB"))
        image = converted.reshape(*image.shape[:2], how.channels)
    return decode.fit_image(image, how.image_size, how.square, how.max_pixels)


def in_parts(files: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yields the files in parts of at most `size`, so that few images are in memory."""
    for start in range(0, len(files), size):
        yield files[start : start + size]
