"""PNG, JPEG, TIFF, GIF and whatever else Pillow reads."""

import contextlib
import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageOps

from synthmed_jax.data.formats import colour, tiff
from synthmed_jax.data.formats.opened import (
    EIGHT_BITS,
    DecodeError,
    Kind,
    Opened,
    check_finite,
    check_size,
)
from synthmed_jax.data.formats.quiet import quiet

# Formats that Pillow lists as readable but does not decode itself: for EPS it runs Ghostscript, for
# the others it needs a decoder that somebody must have registered.
_NOT_RASTER = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})

# Formats whose further frames are images like the first one. Others have frames as well that are
# none: the preview that a camera adds to a JPEG (MPO), the layers of a PSD.
_STACKS = frozenset({"AVIF", "DCX", "FLI", "GIF", "IM", "PNG", "SPIDER", "TIFF", "WEBP"})

# Pillow has no signed bytes and no unsigned integers of 32 bits: it gives their bits.
_TRUE_TYPES: dict[str, np.dtype] = {
    "8-bit signed": np.dtype(np.int8),
    "32-bit": np.dtype(np.uint32),
}

# Pixels that are converted at a time: a conversion by way of RGBA holds up to five copies of them.
_STRIP = 2**20


def endings() -> frozenset[str]:
    """Returns the lower-case file name endings (".png", ...) that Pillow can read as a raster."""
    Image.init()
    return frozenset(
        extension.lower()
        for extension, kind in Image.registered_extensions().items()
        if kind in Image.OPEN and kind not in _NOT_RASTER
    )


def open_raster(content: bytes, max_pixels: int) -> Opened:
    """Opens an image file by what it contains; pixels are decoded by `read`.

    Raises:
      DecodeError: not an image, damaged, or larger than `max_pixels`.
    """
    try:
        opened = Raster(content, max_pixels)
        return tiff.DeepTiff(content, max_pixels) if opened.is_misread else opened
    except DecodeError as error:
        if isinstance(error.__cause__, Image.UnidentifiedImageError) and tiff.is_tiff(content):
            return tiff.DeepTiff(content, max_pixels)
        raise


class Raster(Opened):
    """A file that Pillow reads.

    EXIF orientation is applied; transparency is composited on black; palettes, 1-bit, CMYK and
    colours of 16 bits become 8-bit images. Grey of more bits keeps its values.

    Attributes:
      is_misread: whether Pillow is known to read other values than the file holds.
    """

    def __init__(self, content: bytes, max_pixels: int) -> None:
        """Reads the header; errors as `open_raster`."""
        self._max_pixels = max_pixels
        with self._reading(empty=not content):
            self._content = content
            self._image = Image.open(io.BytesIO(content))
            self.size = self._image.size
            check_size(*self.size, max_pixels)
            self.kind = _kind(self._image)
            self._pages = _pages(self._image)
            self.is_misread = tiff.is_misread(self._image)
        self.format = "JPEG" if self._image.format == "MPO" else str(self._image.format)
        self.num_frames = len(self._pages)
        self._last: tuple[int, Image.Image] | None = None

    def read(self, frame: int, channels: int) -> np.ndarray:
        """Reads one image; see `Opened.read`."""
        upright = self._upright(frame)
        with self._reading():
            if self.kind == EIGHT_BITS:
                return _to_pixels(upright, channels)
            values = np.asarray(upright)
            check_finite(values)
            dtype = _TRUE_TYPES.get(self.kind.name, values.dtype)
            return values.astype(dtype, copy=False)

    def is_coloured(self, frame: int) -> bool:
        """Whether an image has colours; see `Opened.is_coloured`."""
        if self.kind != EIGHT_BITS:
            return False
        upright = self._upright(frame)
        if upright.mode in ("1", "L", "LA", "La"):
            return False
        width, height = (min(side, colour.SAMPLE) for side in upright.size)
        with self._reading():
            sample = upright.resize((width, height), Image.Resampling.NEAREST)
            return colour.has_colours(np.asarray(_to_eight_bits(sample).convert("RGB")))

    def _upright(self, frame: int) -> Image.Image:
        """Decodes an image, unless it is the one that was asked for last."""
        if self._last is None or self._last[0] != frame:
            with self._reading():
                page = self._pages[frame]
                if page < self._image.tell():  # Pillow can't go back in every film: it starts anew
                    self._image = Image.open(io.BytesIO(self._content))
                if page > 0:
                    self._image.seek(page)
                check_size(*self._image.size, self._max_pixels)  # frames may differ
                if self.num_frames == 1:  # no copy of what may be very large
                    ImageOps.exif_transpose(self._image, in_place=True)
                    self._last = frame, self._image
                else:
                    self._last = frame, ImageOps.exif_transpose(self._image)
        return self._last[1]

    @contextlib.contextmanager
    def _reading(self, empty: bool = False) -> Iterator[None]:
        """Sets Pillow's limit, and turns what it raises into a DecodeError."""
        with quiet(self._max_pixels), _reasons(self._max_pixels, empty):
            yield


@contextlib.contextmanager
def _reasons(max_pixels: int, empty: bool) -> Iterator[None]:
    try:
        yield
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))  # "Image size (5000000000 pixels) exceeds limit ..."
        wanted = found[0] if found else "..."
        raise DecodeError(
            f"{wanted} pixels, more than data.max_pixels={max_pixels}: raise it with "
            f"--config.data.max_pixels={wanted}"
        ) from error
    except Exception as error:  # Pillow's parsers raise whatever a broken file hits
        reason = f"{type(error).__name__}: {error}"
        # Its message is "cannot identify image file <_io.BytesIO object at 0x...>": no reason.
        if isinstance(error, Image.UnidentifiedImageError):
            reason = "not an image in a format that Pillow reads"
        raise DecodeError("no bytes in the file" if empty else reason) from error


def _kind(image: Image.Image) -> Kind:
    tags = tiff.Tags.of(image) if image.format == "TIFF" else tiff.Tags()
    if image.mode == "F":
        return Kind("float", tags.white_is_zero)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return Kind("16-bit", tags.white_is_zero)
    if image.mode == "I":
        bits = tags.bits if image.format == "TIFF" else 32
        signed = tags.signed or image.format != "TIFF"
        return Kind(f"{bits}-bit{' signed' if signed else ''}", tags.white_is_zero)
    if image.mode == "L" and tags.channels > 1:  # Pillow would give the first channel alone
        raise DecodeError(f"TIFF of {tags.channels} channels: neither grey nor RGB")
    if image.mode == "L" and tags.signed:
        return Kind("8-bit signed", tags.white_is_zero)
    return EIGHT_BITS  # Pillow has inverted it where white is zero


def _pages(image: Image.Image) -> Sequence[int]:
    """Returns the frames that are images of the file's stack, or may be: a file can claim any."""
    frames = getattr(image, "n_frames", 1)
    if frames == 1 or image.format not in _STACKS:
        return [0]
    if image.format != "TIFF":
        return range(frames)
    # The other pages of a TIFF may be smaller copies of the first, for a quick view at any zoom, or
    # a thumbnail, or a label: only those of its size and mode are slices of one stack.
    size, mode, pages = image.size, image.mode, []
    for page in range(frames):
        image.seek(page)
        if image.size == size and image.mode == mode:
            pages.append(page)
    image.seek(0)
    return pages


def _to_pixels(image: Image.Image, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels] of an image of 8 bits, strip by strip: each pixel is by itself."""
    width, height = image.size
    pixels = np.empty((height, width, channels), np.uint8)
    rows = max(1, _STRIP // max(1, width))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        strip = _to_eight_bits(image.crop((0, top, width, bottom)))
        converted = np.asarray(strip.convert("L" if channels == 1 else "RGB"))
        pixels[top:bottom] = converted.reshape(bottom - top, width, channels)
    return pixels


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Turns the modes that `convert` would spoil into "RGB"; the others stay as they are."""
    if image.mode in ("La", "RGBa"):  # colours that are multiplied by their opacity
        image = image.convert(image.mode.upper())
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        black = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, layer).convert("RGB")
    return image.convert("RGB") if image.mode == "P" else image
