"""Decoded images of a data set: read once, cached as one array, opened memory-mapped."""

import contextlib
import dataclasses
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synthmed_jax.data import decode, records
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_json
from synthmed_jax.progress import file_progress_bar

# An image has colours where its channels differ by more grey levels than this, on average over the
# pixels: a scanner's tint stays below.
COLOURED = 8
# A data set whose brightest pixel is below this is not one of 8-bit images.
DARK = 32


@dataclasses.dataclass(frozen=True)
class LoadedData:
    """A whole data set, the sha256 of its source's content, and the files left out."""

    images: ImageSet
    data_hash: str
    unreadable: tuple[str, ...]


def load_images(settings: DataSettings) -> LoadedData:
    """Opens, decodes and caches a data set; images in order of their relative paths.

    A file that can't be decoded is left out and named in `unreadable`.

    Raises:
      UserError: the data can't be found; more unreadable files than the larger of 5 and 1 %; or a
        class without a readable image.
    """
    stored = records.open_records(settings)
    key = json.dumps(
        [
            decode.DECODE_VERSION,
            stored.data_hash,
            stored.class_names,
            settings.image_size,
            settings.channels,
            settings.square,
        ]
    )
    stem = settings.cache / "arrays" / sha256(key.encode())
    cached = _read_cached(stem, stored.class_names)
    if cached is None:
        _decode_all(stored, settings, stem)
        cached = _read_cached(stem, stored.class_names)
        assert cached is not None
    images, unreadable = cached
    return LoadedData(images, stored.data_hash, unreadable)


def _read_cached(
    stem: Path, class_names: tuple[str, ...]
) -> tuple[ImageSet, tuple[str, ...]] | None:
    try:
        listing = json.loads(stem.with_suffix(".json").read_text())
        pixels = np.load(stem.with_suffix(".npy"), mmap_mode="r")
    except (FileNotFoundError, ValueError):  # absent, or cut off by a full disk
        return None
    labels = np.asarray(listing["labels"], np.int32)
    images = ImageSet(pixels, labels, tuple(listing["files"]), class_names)
    return images, tuple(listing["unreadable"])


def _decode_all(stored: records.Records, settings: DataSettings, stem: Path) -> None:
    """Decodes every record into `stem`.npy and, last, `stem`.json, which makes it valid."""
    size, channels = settings.image_size, settings.channels
    stem.parent.mkdir(parents=True, exist_ok=True)
    files: list[str] = []
    labels: list[int] = []
    failures: list[tuple[str, str]] = []
    with _replacing(stem.with_suffix(".npy")) as temporary:
        shape = (len(stored), size, size, channels)
        pixels = np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)
        _reserve(temporary)
        for position in file_progress_bar(range(len(stored)), "decoding"):
            record = stored[position]
            try:
                image = decode.decode_image(record.content, channels)
            except decode.DecodeError as error:
                failures.append((record.file, str(error)))
                continue
            pixels[len(files)] = decode.fit_image(image, size, settings.square)
            files.append(record.file)
            labels.append(record.label)
        if channels == 1:
            _say_if_coloured(stored)
        _check_failures(failures, len(stored))
        _check_classes(labels, stored.class_names)
        _check_range(pixels[: len(files)])
        pixels.flush()
        if failures:  # the header holds the number of images, so the shorter array is written anew
            readable = np.array(pixels[: len(files)])
            with temporary.open("wb") as stream:
                np.save(stream, readable)
        del pixels
    listing = {"files": files, "labels": labels, "unreadable": [file for file, _ in failures]}
    write_json(stem.with_suffix(".json"), listing)


def _check_failures(failures: list[tuple[str, str]], total: int) -> None:
    if len(failures) > max(total / 100, 5):
        shown = "\n".join(f"  {file}: {reason}" for file, reason in failures[:20])
        more = f"\n  and {len(failures) - 20} more" if len(failures) > 20 else ""
        raise UserError(
            f"{len(failures)} of {total} images can't be read, more than the larger of 5 and 1 %; "
            f"mend or remove them:\n{shown}{more}"
        )


def _check_classes(labels: list[int], class_names: tuple[str, ...]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    empty = [name for name, count in zip(class_names, counts, strict=True) if count == 0]
    if empty:
        raise UserError(f"no readable image in class {', '.join(empty)}: add some or remove it")


def _say_if_coloured(stored: records.Records) -> None:
    """Looks at up to 20 images, and says if they have colours: not all that is RGB has."""
    spreads = []
    for position in np.unique(np.linspace(0, len(stored) - 1, 20).astype(int)):
        with contextlib.suppress(decode.DecodeError):  # counted elsewhere
            pixels = decode.decode_image(stored[int(position)].content, 3)
            spreads.append(float(np.ptp(pixels, axis=-1).mean()))
    if spreads and np.median(spreads) > COLOURED:
        print(
            "the images have colours, and are made grey: --config.data.channels=3 keeps them",
            flush=True,
        )


def _check_range(pixels: np.ndarray) -> None:
    """Refuses 12-bit images in 16-bit files: of 255 levels they would use 16."""
    brightest = int(pixels.max())
    if brightest < DARK:
        raise UserError(
            f"every image is nearly black: the brightest pixel of all is {brightest} of 255. Do "
            "files of 16 bits hold values of 12? Scale them to the whole range (times 16)"
        )


def _reserve(path: Path) -> None:
    """Reserves the disk space of a sparse file: on a full disk a memory map dies of a bus error."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    size = path.stat().st_size
    with path.open("r+b") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise UserError(
                    f"{path.parent} has no room for {size / 2**20:.0f} MiB of decoded images: "
                    "make room, or set config.data.cache_dir"
                ) from error
            # This file system knows no reservation: the file stays sparse.


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file beside `path` and moves it there at the end, unless an error rose."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.touch()
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
