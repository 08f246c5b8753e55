"""Decoded images of a data set: read once, cached as one array, opened memory-mapped."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from synthmed_jax import litter
from synthmed_jax.data import cache_folder, decode, decoding, records
from synthmed_jax.data.facts import LISTING_VERSION, UNREADABLE, Facts, GreyScale, Listing
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import is_full_disk, replacing, sha256, sha256_of


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
      stem: of the names of the files that are kept in the cache about these images, as they are
        decoded; None: nothing is kept.
    """

    images: ImageSet
    data_hash: str
    facts: Facts
    left_out: tuple[LeftOut, ...]
    grey_scales: tuple[GreyScale, ...]
    patients: Mapping[str, str] | None
    content_of: Callable[[str], bytes]
    read_digests: Callable[[], dict[str, dict[str, str]]]
    stem: Path | None = None

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The files that could not be decoded."""
        return tuple(each.file for each in self.left_out if each.reason == UNREADABLE)


def load_images(settings: DataSettings) -> LoadedData:
    """Opens, decodes and caches a data set.

    What is damaged in the cache is made anew.

    Raises:
      UserError: the data can't be found, or is refused: see `decoding.decode_all`.
    """
    with litter.at_work_in_cache(settings.cache):
        try:
            return _load(settings)
        except Damaged as error:
            if not error.path.is_relative_to(settings.cache):
                raise
            print(f"{error}: it is made anew", flush=True)
            cache_folder.check_writable(settings.cache, "what is damaged there can't be made anew")
            shutil.rmtree(error.path)
            return _load(settings)


def _load(settings: DataSettings) -> LoadedData:
    stored = records.open_records(settings)
    key = json.dumps(
        [
            decode.DECODE_VERSION,
            LISTING_VERSION,
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
    listing = _read_cached(stem, shape)
    if listing is None:
        cache_folder.check_writable(
            settings.cache, "these images are not in it as data.* wants them decoded"
        )
        with litter.alone(settings.cache / "locks" / stem.name):
            # Runs of other seeds, started together, want the same images: one decodes them.
            listing = _read_cached(stem, shape, say=lambda text: None)
            if listing is None:
                listing = _decode(stored, settings, stem)
    whole = (len(listing.files), *shape)
    pixels = np.memmap(_array_of(stem), np.uint8, "r", shape=whole)
    labels = np.ascontiguousarray(listing.facts.rows["label"])
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
        stem=stem,
    )


def _decode(stored: records.Records, settings: DataSettings, stem: Path) -> Listing:
    """Decodes a data set into the cache."""
    with _written(_array_of(stem)) as stream:
        listing = decoding.decode_all(stored, stored.class_names, settings, stream)
    listing = dataclasses.replace(listing, pixels=sha256_of(_array_of(stem)))
    with _room_in(stem.parent):
        listing.write(_listing_of(stem))  # last: it makes the array valid
    return listing


def _array_of(stem: Path) -> Path:
    return stem.with_suffix(".u8")


def _listing_of(stem: Path) -> Path:
    return stem.with_suffix(".json")


def _say(text: str) -> None:
    print(text, flush=True)


def _read_cached(
    stem: Path, shape: tuple[int, int, int], say: Callable[[str], None] = _say
) -> Listing | None:
    """Returns the listing; None if there is none, or it or its array is damaged, which is said."""
    array = _array_of(stem)
    if not array.exists():
        return None
    try:
        listing = Listing.read_if_there(_listing_of(stem))
    except Damaged as error:
        say(f"{error}: the images are decoded anew")
        return None
    if listing is None:
        return None
    # numpy can't map a file of another size, and an empty one has the digest of nothing.
    right_size = array.stat().st_size == len(listing.files) * np.prod(shape)
    if not right_size or sha256_of(array) != listing.pixels:
        say(f"{array} is damaged: the images are decoded anew")
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
