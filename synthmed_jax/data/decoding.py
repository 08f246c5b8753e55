"""Decodes every file of a data set into one array: one grey scale for all files of a kind.

Images of 8 bits are grey levels already. For any other kind of file (16 bits, floats, DICOM, ...)
the values that become black and white are found from all files of that kind together, which takes a
first pass over the files: the same value is the same grey in every image. Where the lowest value is
white in some files of a kind and black in others, a pass between them turns the former over, so
that one scale holds for both.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np

from synthmed_jax.data import acceptance, decode, formats, grey_scale, stacks
from synthmed_jax.data.facts import NO_IMAGE, ROW, UNREADABLE, Facts, GreyScale, Listing
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind, NoImageError, Opened
from synthmed_jax.data.formats.quiet import quiet
from synthmed_jax.data.grey_scale import Histogram, Window
from synthmed_jax.data.scales import Scales
from synthmed_jax.data.sets.builders import Record
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DICOM_WINDOW, DataSettings, window_of
from synthmed_jax.data.threads import map_in_threads
from synthmed_jax.errors import UserError
from synthmed_jax.progress import file_progress_bar


@dataclasses.dataclass
class _Pass:
    """What one pass over the files gives.

    Attributes:
      files, left_out: as in `Listing`.
      sources: as in `Facts`.
      formats: name -> its index in `Facts.formats`.
      rows: the bytes of ROW[N].
      kinds: class -> kind -> number of files.
      unknown: of the kinds whose window is not known yet: their values.
      stacks: file -> number of images, of the stacks that no setting says how to use.
    """

    files: list[str]
    left_out: list[LeftOut]
    sources: list[str]
    formats: dict[str, int]
    rows: bytearray
    kinds: dict[str, collections.Counter[Kind]]
    unknown: dict[Kind, Histogram]
    stacks: dict[str, int]


def decode_all(
    stored: Iterable[Record],
    class_names: Sequence[str],
    settings: DataSettings,
    stream: BinaryIO,
) -> Listing:
    """Decodes every file and writes the pixels u8[N,S,S,C] to `stream`, image after image.

    A file that can't be decoded is left out.

    Args:
      stored: the files; they may be gone through twice.

    Raises:
      UserError: too many files of a class can't be read, or none can; a class is nearly black;
        kinds of files differ between classes; stacks, and no `data.slices`, or one that does not
        fit them; `data.window` does not fit the files; two images have one name; an optional
        package is missing.
    """
    scales = Scales({}, {})
    while True:
        result = _decode_once(stored, class_names, settings, scales, stream)
        acceptance.check_stacks(result.stacks)
        acceptance.check_unreadable(result.left_out, result.kinds, class_names)
        acceptance.check_kinds(result.kinds, settings.window)
        acceptance.check_names(result.files)
        if not result.unknown:
            break
        scales = scales.after(result.unknown)
        stream.seek(0)
        stream.truncate()
    facts = Facts(
        tuple(result.sources), tuple(result.formats), np.frombuffer(bytes(result.rows), ROW)
    )
    acceptance.check_brightness(facts, class_names, settings.window)
    used = [
        GreyScale(scales.describe(kind), window.low, window.high, window.why)
        for kind, window in scales.windows.items()
    ]
    given = window_of(settings.window)
    if given is not None:
        used = [GreyScale("all files", *given, "as config.data.window says")]
    return Listing(tuple(result.files), facts, tuple(result.left_out), tuple(used))


def _decode_once(
    stored: Iterable[Record],
    class_names: Sequence[str],
    settings: DataSettings,
    scales: Scales,
    stream: BinaryIO,
) -> _Pass:
    """Decodes every file whose window is known, and looks at the values of the others."""
    result = _Pass([], [], [], {}, bytearray(), {}, {}, {})
    decode_one = functools.partial(decode_file, settings=settings, scales=scales)
    results = map_in_threads(decode_one, file_progress_bar(stored, "decoding"))
    with (
        quiet(settings.max_pixels),
        contextlib.closing(results) as files,
    ):  # `quiet` must end after the threads
        for file in files:
            _add(result, file, scales.common(file.kind), class_names, stream)
    return result


@dataclasses.dataclass(frozen=True)
class DecodedFile:
    """One file, decoded; of a stack nothing is kept that is as large as the stack.

    Attributes:
      record: the file.
      failure: why it can't be decoded; "": it can.
      format, kind, size, num_frames: as in `Opened`.
      frames: which of its images are used.
      images: u8[S,S,C], those images as the generator gets them; none where the window is not
        known.
      values: the images' values, where it is not.
      coloured: whether each has colours.
    """

    record: Record
    failure: str = ""
    reason: str = UNREADABLE
    format: str = ""
    kind: Kind = EIGHT_BITS
    size: tuple[int, int] = (0, 0)
    num_frames: int = 0
    frames: Sequence[int] = ()
    images: Sequence[np.ndarray] = ()
    values: Histogram | None = None
    coloured: Sequence[bool] = ()


def decode_file(record: Record, settings: DataSettings, scales: Scales) -> DecodedFile:
    """Decodes the images of one file that the settings choose; of a stack without any, none.

    What can't be decoded is said in the result.

    Raises:
      UserError: a setting does not fit the file, or an optional package is missing.
    """
    axis = stacks.axis_of(settings.slices)
    try:
        opened = formats.open_image(record.content, record.file, settings.max_pixels, axis=axis)
        if opened.num_frames > 1:
            _check_slices(opened, record.file, settings.slices)
        frames: Sequence[int] = ()
        if opened.num_frames == 1 or settings.slices:
            frames = stacks.choose(opened.num_frames, settings.slices)
        own_window = _window_of(opened, record.file, settings.window)
        kind = opened.kind if own_window else scales.common(opened.kind)
        window = own_window or scales.windows.get(kind)
        values = Histogram() if window is None and opened.kind != EIGHT_BITS else None
        images, coloured = [], []
        for frame in frames:
            image = opened.read(frame, settings.channels)
            coloured.append(opened.is_coloured(frame))
            if kind != opened.kind:
                image = grey_scale.turn(image, opened.ends or scales.turned[opened.kind])
            if values is not None:
                values.add(image)
            else:
                levels = _to_levels(image, kind, window, settings.channels)
                images.append(
                    decode.fit_image(
                        levels, settings.image_size, settings.square, settings.max_pixels
                    )
                )
    except NoImageError as error:
        return DecodedFile(record, failure=str(error), reason=NO_IMAGE)
    except DecodeError as error:
        return DecodedFile(record, failure=str(error))
    return DecodedFile(
        record,
        format=opened.format,
        kind=opened.kind,
        size=opened.size,
        num_frames=opened.num_frames,
        frames=frames,
        images=images,
        values=values,
        coloured=coloured,
    )


def _check_slices(opened: Opened, file: str, slices: str) -> None:
    """Refuses an axis for a stack that has but one."""
    if stacks.axis_of(slices) is not None and not opened.has_axes:
        raise UserError(
            f"config.data.slices={slices!r} names an axis, and the images of {file} "
            f"({opened.format}) lie along one only: "
            f"--config.data.slices={slices.rpartition(':')[0]}"
        )


def _add(
    result: _Pass, file: DecodedFile, common: Kind, class_names: Sequence[str], stream: BinaryIO
) -> None:
    """Adds what one file gives; its pixels are written to `stream`.

    Its values are those of the kind `common`.
    """
    record = file.record
    class_name = class_names[record.label]
    kinds = result.kinds.setdefault(class_name, collections.Counter())
    if file.failure:
        result.left_out.append(LeftOut(record.file, class_name, file.reason, file.failure))
        return
    kinds[file.kind] += 1
    if not file.frames:
        result.stacks[record.file] = file.num_frames
        return
    if file.values is not None:
        result.unknown.setdefault(common, Histogram()).add_all(file.values)
    named = file.kind.name.startswith(file.format)  # "DICOM CT" is of the format DICOM
    file_format = file.kind.name if named else f"{file.format} {file.kind.name}"
    # Where the window is not known there are no images yet.
    for frame, image, coloured in zip(file.frames, file.images, file.coloured, strict=False):
        stream.write(image.tobytes())
        is_stack = file.num_frames > 1
        result.files.append(f"{record.file}#{frame:04d}" if is_stack else record.file)
        result.sources.append(record.file)
        row = (
            record.label,
            bytes.fromhex(record.sha256),
            file.num_frames,
            result.formats.setdefault(file_format, len(result.formats)),
            *file.size,
            round(float(image.mean()), 2),
            image.min(),
            image.max(),
            round(float(np.mean((image == 0) | (image == 255))), 3),
            coloured,
        )
        result.rows += np.array(row, ROW).tobytes()


def _window_of(opened: Opened, file: str, setting: str) -> Window | None:
    """Returns what the setting makes black and white in one file; None: it leaves it open."""
    given = window_of(setting)
    if given is not None:
        return Window(*given, "data.window")
    if setting == DICOM_WINDOW and opened.kind.name.startswith("DICOM"):
        if opened.own_window is None:
            raise UserError(
                f"config.data.window={DICOM_WINDOW!r}, but {file} has no window of its own: take "
                'one for all files, --config.data.window="lo,hi", or leave it empty'
            )
        return Window(*opened.own_window, "the file's own")
    return None


def _to_levels(image: np.ndarray, kind: Kind, window: Window | None, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels] of an image as `Opened.read` returns it."""
    if window is not None:
        image = grey_scale.to_eight_bits(image, window, kind.inverted)
    if image.ndim == 2:
        return np.repeat(image[:, :, None], channels, axis=2)
    return image
