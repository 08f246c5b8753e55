"""Decodes every file of a data set into one array: one grey scale for all files of a kind.

Images of 8 bits are grey levels already. For any other kind of file (16 bits, floats, DICOM, ...)
the values that become black and white are found from all files of that kind together, which takes a
first pass over the files: the same value is the same grey in every image.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

import numpy as np

from synthmed_jax.data import acceptance, decode, formats, grey_scale, stacks
from synthmed_jax.data.facts import UNREADABLE, Facts, GreyScale, Listing
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Kind, Opened
from synthmed_jax.data.grey_scale import Histogram, Window
from synthmed_jax.data.sets.builders import Record
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DICOM_WINDOW, DataSettings, window_of
from synthmed_jax.errors import UserError
from synthmed_jax.progress import file_progress_bar


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
    rows: list[tuple[str, str, str, int, int, float, int, int, bool]]
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
        kinds of files differ between classes; stacks, and no `data.slices`; an optional package is
        missing.
    """
    windows: dict[Kind, Window] = {}
    while True:
        result = _decode_once(stored, class_names, settings, windows, stream)
        acceptance.check_stacks(result.stacks)
        acceptance.check_unreadable(result.left_out, result.kinds, class_names)
        acceptance.check_kinds(result.kinds, settings.window)
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
    axis = stacks.axis_of(settings.slices)
    for record in file_progress_bar(stored, "decoding"):
        class_name = class_names[record.label]
        kinds = result.kinds.setdefault(class_name, collections.Counter())
        try:
            opened = formats.open_image(record.content, record.file, settings.max_pixels, axis=axis)
            if opened.num_frames > 1 and not settings.slices:
                result.stacks[record.file] = opened.num_frames
                continue
            frames = stacks.choose(opened.num_frames, settings.slices)
            images = [opened.read(frame, settings.channels) for frame in frames]
            coloured = [opened.is_coloured(frame) for frame in frames]
        except DecodeError as error:
            left_out = LeftOut(record.file, class_name, UNREADABLE, str(error))
            result.left_out.append(left_out)
            continue
        kinds[opened.kind] += 1
        window = _window_of(opened, record.file, settings.window, windows)
        if window is None and opened.kind != EIGHT_BITS:
            histogram = result.unknown.setdefault(opened.kind, Histogram())
            for image in images:
                histogram.add(image)
            continue
        file_format = f"{opened.format} {opened.kind.name}"
        if opened.kind.name.startswith(opened.format):
            file_format = opened.kind.name
        for frame, image, has_colours in zip(frames, images, coloured, strict=True):
            grey = _to_levels(image, opened.kind, window, settings.channels)
            square = decode.fit_image(grey, settings.image_size, settings.square)
            stream.write(square.tobytes())
            name = record.file if opened.num_frames == 1 else f"{record.file}#{frame:04d}"
            result.files.append(name)
            result.labels.append(record.label)
            result.rows.append(
                (
                    record.file,
                    record.sha256,
                    file_format,
                    *opened.size,
                    round(float(square.mean()), 2),
                    int(square.min()),
                    int(square.max()),
                    has_colours,
                )
            )
    return result


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
