"""Decoded images of a data set: read once, cached as one array, opened memory-mapped."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from synthmed_jax import litter
from synthmed_jax.data import decode, decoding, records
from synthmed_jax.data.facts import UNREADABLE, Facts, GreyScale, Listing
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import is_full_disk, replacing, sha256


@dataclasses.dataclass(frozen=True)
class LoadedData:
    """A whole data set.

    Attributes:
      images: in order of their relative paths.
      data_hash: sha256 of the source's content.
      facts: what was seen of each image.
      left_out: files that are no part of it.
      grey_scales: of the kinds of files that are not 8-bit.
      patients: file -> name of its patient; None where no table tells it.
      content_of: file -> its bytes.
      read_digests: gives class -> file -> sha256; files that can't be decoded are among them.
    """

    images: ImageSet
    data_hash: str
    facts: Facts
    left_out: tuple[LeftOut, ...]
    grey_scales: tuple[GreyScale, ...]
    patients: Mapping[str, str] | None
    content_of: Callable[[str], bytes]
    read_digests: Callable[[], dict[str, dict[str, str]]]

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The files that could not be decoded."""
        return tuple(each.file for each in self.left_out if each.reason == UNREADABLE)


def load_images(settings: DataSettings) -> LoadedData:
    """Opens, decodes and caches a data set.

    Raises:
      UserError: the data can't be found, or is refused: see `decoding.decode_all`.
    """
    with litter.at_work_in_cache(settings.cache):
        return _load_images(settings)


def _load_images(settings: DataSettings) -> LoadedData:
    stored = records.open_records(settings)
    key = json.dumps(
        [
            decode.DECODE_VERSION,
            stored.data_hash,
            stored.class_names,
            settings.image_size,
            settings.channels,
            settings.square,
            settings.window,
            settings.slices,
            settings.max_pixels,
        ]
    )
    stem = settings.cache / "arrays" / sha256(key.encode())
    shape = (settings.image_size, settings.image_size, settings.channels)
    cached = _read_cached(stem, shape)
    if cached is None:
        with _written(_array_of(stem)) as stream:
            listing = decoding.decode_all(stored, stored.class_names, settings, stream)
        with _room_in(stem.parent):
            listing.write(_listing_of(stem))  # last: it makes the array valid
    else:
        listing = cached
    whole = (len(listing.files), *shape)
    pixels = np.memmap(_array_of(stem), np.uint8, "r", shape=whole)
    labels = np.asarray(listing.labels, np.int32)
    return LoadedData(
        images=ImageSet(pixels, labels, listing.files, stored.class_names),
        data_hash=stored.data_hash,
        facts=listing.facts,
        # Those of the listing of files are found anew each time: their number may have changed.
        left_out=(*stored.left_out, *listing.left_out),
        grey_scales=listing.grey_scales,
        patients=stored.patients,
        content_of=stored.content_of,
        read_digests=stored.read_digests,
    )


def _array_of(stem: Path) -> Path:
    return stem.with_suffix(".u8")


def _listing_of(stem: Path) -> Path:
    return stem.with_suffix(".json")


def _read_cached(stem: Path, shape: tuple[int, int, int]) -> Listing | None:
    """Returns the listing; None if there is none, or a full disk cut its array off."""
    if not _array_of(stem).exists():
        return None
    listing = Listing.read_if_there(_listing_of(stem))
    if listing is None or _array_of(stem).stat().st_size != len(listing.files) * np.prod(shape):
        return None
    return listing


@contextlib.contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """Opens a new file, which is there at the end, unless an error rose."""
    with (
        _room_in(path.parent),
        replacing(path) as temporary,
        temporary.open("wb") as stream,
    ):
        yield stream


@contextlib.contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    """Says in a sentence that a disk is full."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise UserError(
            f"{folder} has no room for the decoded images: make room, or set "
            "--config.data.cache_dir"
        ) from error
