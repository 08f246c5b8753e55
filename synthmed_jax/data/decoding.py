"""Decodes every file of a data set into one array: one grey scale for all files of a kind.

Images of 8 bits are grey levels already. For any other kind of file (16 bits, floats, DICOM, ...)
the values that become black and white are found from all files of that kind together, which takes a
first pass over the files: the same value is the same grey in every image.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, TypeVar

import numpy as np

from synthmed_jax.data import acceptance, decode, formats, grey_scale, stacks
from synthmed_jax.data.facts import UNREADABLE, Facts, GreyScale, Listing
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind, Opened
from synthmed_jax.data.formats.quiet import quiet
from synthmed_jax.data.grey_scale import Histogram, Window
from synthmed_jax.data.sets.builders import Record
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DICOM_WINDOW, DataSettings, window_of
from synthmed_jax.errors import UserError
from synthmed_jax.progress import file_progress_bar

T = TypeVar("T")
U = TypeVar("U")


@dataclasses.dataclass
class _Pass:
    """What one pass over the files gives.

    Attributes:
      files, labels, left_out: as in `Listing`.
      rows: what becomes `Facts`, one tuple per image, in the order of its fields.
      kinds: class -> kind -> number of files.
      unknown: of the kinds whose window is not known yet: their values.
      stacks: file -> number of images, of the stacks that no setting says how to use.
    """

    files: list[str]
    labels: list[int]
    left_out: list[LeftOut]
    rows: list[tuple[str, str, int, str, int, int, float, int, int, bool]]
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
    windows: dict[Kind, Window] = {}
    while True:
        result = _decode_once(stored, class_names, settings, windows, stream)
        acceptance.check_stacks(result.stacks)
        acceptance.check_unreadable(result.left_out, result.kinds, class_names)
        acceptance.check_kinds(result.kinds, settings.window)
        acceptance.check_names(result.files)
        if not result.unknown:
            break
        windows |= {kind: grey_scale.decide(kind, h) for kind, h in result.unknown.items()}
        stream.seek(0)
        stream.truncate()
    columns = tuple(zip(*result.rows, strict=True)) or ((),) * len(dataclasses.fields(Facts))
    facts = Facts(*columns)
    acceptance.check_brightness(result.labels, facts, class_names, settings.window)
    scales = [
        GreyScale(acceptance.describe_kind(kind), window.low, window.high, window.why)
        for kind, window in windows.items()
    ]
    given = window_of(settings.window)
    if given is not None:
        scales = [GreyScale("all files", *given, "as config.data.window says")]
    return Listing(
        tuple(result.files), tuple(result.labels), facts, tuple(result.left_out), tuple(scales)
    )


def _decode_once(
    stored: Iterable[Record],
    class_names: Sequence[str],
    settings: DataSettings,
    windows: Mapping[Kind, Window],
    stream: BinaryIO,
) -> _Pass:
    """Decodes every file whose window is known, and looks at the values of the others."""
    result = _Pass([], [], [], [], {}, {}, {})
    decode_file = functools.partial(_decode_file, settings=settings, windows=windows)
    with quiet(), concurrent.futures.ThreadPoolExecutor(_num_threads()) as pool:
        files = _map_ahead(pool, decode_file, file_progress_bar(stored, "decoding"))
        for file in files:
            _add(result, file, class_names, stream)
    return result


@dataclasses.dataclass(frozen=True)
class _File:
    """One file, decoded.

    Attributes:
      record: the file.
      opened: None where it can't be decoded.
      frames: which of its images are used.
      images: u8[S,S,C], those images as the generator gets them; none where the window is not
        known.
      values: the same as stored, where it is not.
      coloured: whether each has colours.
      failure: why it can't be decoded.
    """

    record: Record
    opened: Opened | None
    frames: Sequence[int] = ()
    images: Sequence[np.ndarray] = ()
    values: Sequence[np.ndarray] = ()
    coloured: Sequence[bool] = ()
    failure: str = ""


def _decode_file(record: Record, settings: DataSettings, windows: Mapping[Kind, Window]) -> _File:
    """Decodes the images of one file that the settings choose; of a stack without any, none."""
    axis = stacks.axis_of(settings.slices)
    try:
        opened = formats.open_image(record.content, record.file, settings.max_pixels, axis=axis)
        if opened.num_frames > 1 and not settings.slices:
            return _File(record, opened)
        if axis is not None and opened.num_frames > 1 and not opened.has_axes:
            raise UserError(
                f"config.data.slices={settings.slices!r} names an axis, and the images of "
                f"{record.file} ({opened.format}) lie along one only: "
                f"--config.data.slices={settings.slices.rpartition(':')[0]}"
            )
        frames = stacks.choose(opened.num_frames, settings.slices)
        values = [opened.read(frame, settings.channels) for frame in frames]
        coloured = [opened.is_coloured(frame) for frame in frames]
    except DecodeError as error:
        return _File(record, None, failure=str(error))
    window = _window_of(opened, record.file, settings.window, windows)
    if window is None and opened.kind != EIGHT_BITS:
        return _File(record, opened, frames, values=values, coloured=coloured)
    levels = (_to_levels(each, opened.kind, window, settings.channels) for each in values)
    images = [decode.fit_image(each, settings.image_size, settings.square) for each in levels]
    return _File(record, opened, frames, images, coloured=coloured)


def _add(result: _Pass, file: _File, class_names: Sequence[str], stream: BinaryIO) -> None:
    """Adds what one file gives; its pixels are written to `stream`."""
    record, opened = file.record, file.opened
    class_name = class_names[record.label]
    kinds = result.kinds.setdefault(class_name, collections.Counter())
    if opened is None:
        result.left_out.append(LeftOut(record.file, class_name, UNREADABLE, file.failure))
        return
    kinds[opened.kind] += 1
    if not file.frames:
        result.stacks[record.file] = opened.num_frames
        return
    for values in file.values:
        result.unknown.setdefault(opened.kind, Histogram()).add(values)
    named = opened.kind.name.startswith(opened.format)  # "DICOM CT" is of the format DICOM
    file_format = opened.kind.name if named else f"{opened.format} {opened.kind.name}"
    # Where the window is not known there are no images yet.
    for frame, image, coloured in zip(file.frames, file.images, file.coloured, strict=False):
        stream.write(image.tobytes())
        is_stack = opened.num_frames > 1
        result.files.append(f"{record.file}#{frame:04d}" if is_stack else record.file)
        result.labels.append(record.label)
        result.rows.append(
            (
                record.file,
                record.sha256,
                opened.num_frames,
                file_format,
                *opened.size,
                round(float(image.mean()), 2),
                int(image.min()),
                int(image.max()),
                coloured,
            )
        )


def _num_threads() -> int:
    """Pillow and zlib let other threads run while they decode; many more files than that wait."""
    cores = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    return min(len(cores), 8)


def _map_ahead(
    pool: concurrent.futures.Executor, function: Callable[[T], U], items: Iterable[T]
) -> Iterator[U]:
    """Yields function(item) in order of the items, of which few are under way at a time."""
    waiting: collections.deque[concurrent.futures.Future[U]] = collections.deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > 2 * _num_threads():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _window_of(
    opened: Opened, file: str, setting: str, windows: Mapping[Kind, Window]
) -> Window | None:
    """Returns the values that become black and white in one file; None: 8 bits, or not known."""
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
    return windows.get(opened.kind)


def _to_levels(image: np.ndarray, kind: Kind, window: Window | None, channels: int) -> np.ndarray:
    """Returns u8[H,W,channels] of an image as `Opened.read` returns it."""
    if window is not None:
        image = grey_scale.to_eight_bits(image, window, kind.inverted)
    if image.ndim == 2:
        return np.repeat(image[:, :, None], channels, axis=2)
    return image
