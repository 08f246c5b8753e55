"""Opens a data set: asks it for its files, prepares a copy with TFDS, serves the records.

No TensorFlow: TFDS writes and reads array_record files. The prepared copy is named after a hash of
the source's content, so that a changed folder gives a new copy. TFDS writes into a folder
`incomplete.*` and renames it last, so that a killed run leaves nothing that would be served.
"""

import contextlib
import dataclasses
import functools
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from synthmed_jax.data import cache_folder, sets
from synthmed_jax.data.sets import builders
from synthmed_jax.data.sets.listing import hash_in_order
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.data.stored_rows import StoredRow, StoredRows, damage
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import is_full_disk, sha256
from synthmed_jax.remote import address, images


class Records:
    """The files of one data set, readable by position.

    Attributes:
      class_names: names by label, sorted.
      data_hash: sha256 over all relative paths and contents, and over the labels where they do not
        follow from the paths.
      left_out: files that were found and are not among them.
      patients: file -> name of its patient; None where no table tells it.
    """

    def __init__(
        self,
        rows: StoredRows,
        source: builders.Source,
        data_hash: str,
        where: Path,
    ):
        self.class_names = source.class_names
        self.data_hash = data_hash
        self.left_out = tuple(source.left_out)
        self.patients = source.patients
        self._rows = rows
        self._files = source.files
        self._digests = source.digests
        self._where = where

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, position: int) -> builders.Record:
        """Returns one record; raises Damaged if its bytes are not those that were stored."""
        return self._to_record(self._rows[position])

    def __iter__(self) -> Iterator[builders.Record]:
        return map(self._to_record, self._rows)

    def _to_record(self, stored: StoredRow) -> builders.Record:
        with damage(self._where):
            file, digest = os.fsdecode(stored["file"]), stored["sha256"].decode()
        if sha256(stored["content"]) != digest:
            raise Damaged(self._where, f"is damaged: it has other bytes of {file} than were stored")
        return builders.Record(stored["content"], file, int(stored["label"]), digest)

    @functools.cached_property
    def _position_of(self) -> dict[str, int]:
        return {file: position for position, (file, _) in enumerate(self._files)}

    def read_digests(self) -> dict[str, dict[str, str]]:
        """Returns class -> file -> sha256 of its content; errors as of reading by position."""
        digests: dict[str, dict[str, str]] = {name: {} for name in self.class_names}
        if self._digests is None:
            for record in self:
                digests[self.class_names[record.label]][record.file] = record.sha256
        else:
            for file, label in self._files:
                digests[self.class_names[label]][file] = self._digests[file]
        return digests

    def content_of(self, file: str) -> bytes:
        """Returns one file as it is on disk; errors as of reading by position."""
        record = self[self._position_of[file]]
        if record.file != file:
            raise Damaged(self._where, f"is damaged: it has {record.file} in the place of {file}")
        return record.content


def open_records(settings: DataSettings) -> Records:
    """Opens a data set, preparing it first if this content was not prepared before.

    Raises:
      Damaged: the prepared copy can't be read.
      UserError: an unknown data set or a value that it refuses; the data can't be found or fetched
        (the message says where it is from, how to download it and the folders expected), or has
        fewer than two classes.
    """
    sets.check_settings(settings)
    builder_class = sets.DATASETS[settings.name]
    source = builder_class.make_source(_brought_here(settings))
    where = settings.cache / cache_folder.PREPARED / source.key
    rows = _prepare(builder_class, source, where)
    # The key also tells two tables of labels apart, which name the same files.
    data_hash = source.key
    if source.content_hash is None:
        with damage(where):
            data_hash = hash_in_order((os.fsdecode(r["file"]), r["sha256"].decode()) for r in rows)
    return Records(rows, source, data_hash, where)


def _brought_here(settings: DataSettings) -> DataSettings:
    """Fetches what lies on remote storage, and returns the settings with its folder here."""
    given = {"dir": settings.dir, "table": settings.table}
    here = {
        field: str(images.fetch(value, settings.cache, f"data.{field}"))
        for field, value in given.items()
        if address.is_address(value)
    }
    return dataclasses.replace(settings, **here)  # type: ignore[arg-type]


def _prepare(
    builder_class: type[builders.ImageBuilder], source: builders.Source, where: Path
) -> StoredRows:
    """Prepares a copy below `where` unless a finished one is there; returns its rows.

    Raises:
      UserError: the cache can't be written; or the disk is full: what was written of the copy is
        removed, and a run that finds room prepares it anew.
    """

    def make_builder() -> builders.ImageBuilder:
        return builder_class(source=source, data_dir=str(where))

    # This file appears when TFDS renames the whole folder into place. TFDS's `is_prepared` would
    # ask the same, but logs a warning where the answer is no.
    finished = where / builder_class.name / str(builder_class.VERSION) / "dataset_info.json"
    if not finished.is_file():
        cache_folder.check_writable(where.parents[1], "no copy of these images is in it")
        shutil.rmtree(finished.parent, ignore_errors=True)  # TFDS would take it for a copy
        tfds.disable_progress_bar()  # `_records` shows one, and only if it takes long
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints a line before and after
                make_builder().download_and_prepare()
        except (OSError, RuntimeError) as error:
            # Another process may have finished the same copy first; anything else is an error.
            if not finished.is_file():
                if not is_full_disk(error):
                    raise
                raise UserError(
                    f"no room for the prepared copy of the images in {where.parent}: make room, or "
                    "set --config.data.cache_dir=<folder> to a folder on a larger disk"
                ) from error
    with damage(where):
        builder = make_builder()
    return StoredRows(builder, where)
