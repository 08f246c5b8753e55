"""The base of all data sets: a TFDS builder that stores files as they are, and what it is told.

A data set is a subclass that says which settings it refuses (`check_settings`), where its images
come from (`make_source`) and where their lesions are, if it knows (`make_lesion_of`): one file, and
one line in `sets.DATASETS`.
"""

import dataclasses
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import example_serializer

from synthmed_jax import checks
from synthmed_jax.data.sets import conflicts
from synthmed_jax.data.sets.listing import (
    ImageFile,
    LeftOut,
    content_hash,
    hash_files,
    label_hash,
)
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256
from synthmed_jax.progress import file_progress_bar

SPLIT = "images"
"""The one TFDS split: this project's split is made later, from indices (split.py)."""
ROWS_PER_FILE = 10_000
"""Of prepared copies: what reads a file holds an index of all its rows in memory."""

_FIELDS_OF_FOLDERS = ("table", "columns", "classes", "parts", "exclude", "keep_masks")

LesionOf = Callable[[str], np.ndarray]
"""Relative path of an image -> bool[S,S], where its lesion is."""


class Record(NamedTuple):
    """One stored file: original bytes, relative path, index of its class, sha256 (hexadecimal)."""

    content: bytes
    file: str
    label: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Source:
    """What one prepared copy is made from.

    Attributes:
      root: the folder that `files` are relative to.
      files: what to store, in this order.
      class_names: names by label.
      key: sha256 (hexadecimal) over all that the stored bytes depend on; names the prepared copy,
        so that another content never meets this copy.
      content_hash: `listing.content_hash` of the files, to which the stored bytes are held; None
        where it is known only once the images have been drawn.
      left_out: what lies in `root` and is not stored.
      patients: file -> name of its patient, where a table of labels tells it; None: it does not.
      digests: file -> sha256 of its content, where they are known before the files are stored.
    """

    root: Path
    files: Sequence[ImageFile]
    class_names: tuple[str, ...]
    key: str
    content_hash: str | None
    left_out: Sequence[LeftOut] = ()
    patients: Mapping[str, str] | None = None
    digests: Mapping[str, str] | None = None


def hash_source(
    root: Path,
    class_names: tuple[str, ...],
    files: Sequence[ImageFile],
    settings: DataSettings,
    *,
    left_out: Sequence[LeftOut] = (),
    patients: Mapping[str, str] | None = None,
    labels_in_key: bool = False,
) -> Source:
    """Returns the source of files that lie below `root`; reads them all.

    Args:
      left_out: what was left out so far.
      patients: file -> name of its patient; None: not known.
      labels_in_key: whether a file's class can change while its path and content do not. The
        prepared copy, which stores classes, is then named after them too.

    Raises:
      UserError: a file can't be read, or identical files lie under two labels and
        `settings.conflicts` does not allow it.
    """
    digests = hash_files(root, files)
    kept, dropped = conflicts.settle(root, class_names, files, digests, settings.conflicts)
    content = content_hash((image.file, digests[image.file]) for image in kept)
    key = label_hash(kept, class_names, content) if labels_in_key else content
    return Source(
        root,
        kept,
        class_names,
        key=key,
        content_hash=content,
        left_out=[*left_out, *dropped],
        patients=patients,
        digests=digests,
    )


class _LocalInfo(tfds.core.DatasetInfo):
    def initialize_from_bucket(self) -> None:
        """Does nothing: TFDS would look in Google's cloud, and leave a temporary folder behind."""


class ImageBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Stores original bytes, relative path, sha256 and label of every file of one `source`.

    The source is a plain attribute because TFDS would print a BuilderConfig, all files included.
    So a builder can't be made from its name alone, and is not registered with TFDS.

    Class attributes, which a data set overrides: `DESCRIPTION`, `CITATION` and `HOMEPAGE` go into
    TFDS's dataset_info.json. `VARIANTS` are the choices of `data.variant`; none: it is not read.
    `TAKES_ALL_BELOW_DIR`: every image below `data.dir` is one of the set, so that nothing may be
    written there. `READS_FIELDS_OF_FOLDERS`: it heeds the fields that say which files of a folder
    are images of which class; where it does not, they are refused. `SETTLES_CONFLICTS`: it looks
    for identical images under two labels, as `hash_source` does.
    """

    VERSION = tfds.core.Version("1.0.0")
    DESCRIPTION: ClassVar[str] = ""
    CITATION: ClassVar[str] = ""
    HOMEPAGE: ClassVar[str] = ""
    VARIANTS: ClassVar[tuple[str, ...]] = ()
    TAKES_ALL_BELOW_DIR: ClassVar[bool] = True
    READS_FIELDS_OF_FOLDERS: ClassVar[bool] = False
    SETTLES_CONFLICTS: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(skip_registration=True)

    def __init__(self, *, source: Source, data_dir: str):
        self.source = source
        super().__init__(data_dir=data_dir, file_format="array_record")

    @classmethod
    def check_settings(cls, settings: DataSettings) -> None:
        """Raises UserError for values that this data set refuses, and for fields it can't read."""
        for field in () if cls.READS_FIELDS_OF_FOLDERS else _FIELDS_OF_FOLDERS:
            if getattr(settings, field):
                raise UserError(
                    f"config.data.{field} is for --config.data.name=folder: the files and classes "
                    f"of {cls.name} are known"
                )
        if settings.conflicts != DataSettings.conflicts and not cls.SETTLES_CONFLICTS:
            raise UserError(
                f"config.data.conflicts={settings.conflicts!r}: identical images under two labels "
                f"are not looked for in {cls.name}; leave it at {DataSettings.conflicts!r}"
            )
        if cls.VARIANTS:
            checks.one_of("config.data.variant", settings.variant, cls.VARIANTS)

    @classmethod
    def make_source(cls, settings: DataSettings) -> Source:
        """Finds, fetches or plans the files of this data set.

        Raises:
          UserError: they can't be had; the message says what to do.
        """
        raise NotImplementedError

    @classmethod
    def make_lesion_of(cls, settings: DataSettings, size: int) -> LesionOf | None:
        """Returns what draws where the lesion of an image is, S = `size`; None: it is not known."""
        del settings, size
        return None

    def _info(self) -> tfds.core.DatasetInfo:
        return _LocalInfo(
            builder=self,
            description=self.DESCRIPTION,
            citation=self.CITATION,
            homepage=self.HOMEPAGE,
            # Records stay in the order of `files`: TFDS would shuffle them by a hash of the keys.
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(
                {
                    # Text is TFDS's name for a byte string; nothing is encoded or decoded.
                    "content": tfds.features.Text(),
                    "file": tfds.features.Text(),
                    "sha256": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=list(self.source.class_names)),
                }
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, object]]]]:
        del dl_manager  # there is nothing to download: make_source has found or fetched the files
        return {SPLIT: self._generate_examples()}

    def _generate_splits(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig,
    ) -> list[tfds.core.SplitInfo]:
        """Writes one record after the other, ROWS_PER_FILE into each file.

        TFDS would hold all records in memory, to shuffle them, and beyond 1 GB in files that only
        TensorFlow can write.
        """
        del download_config
        features, sizes, lengths = self.info.features, [], []
        serializer = example_serializer.ExampleSerializer(features.get_serialized_info())

        examples = self._split_generators(dl_manager)[SPLIT]

        def serialize(some: Iterable[tuple[int, dict[str, object]]]) -> Iterator[tuple[int, bytes]]:
            for position, example in some:
                record = serializer.serialize_example(features.encode_example(example))
                sizes.append(len(record))
                yield position, record

        template = self._get_filename_template(split_name=SPLIT)
        num_files = max(1, math.ceil(len(self.source.files) / ROWS_PER_FILE))
        for number in range(num_files):
            before = len(sizes)
            # The last file takes all that is left: what follows the last example is run as well.
            some = itertools.islice(examples, ROWS_PER_FILE) if number < num_files - 1 else examples
            path = template.sharded_filepath(shard_index=number, num_shards=num_files)
            self._example_writer().write(path, serialize(some))
            lengths.append(len(sizes) - before)
        return [
            tfds.core.SplitInfo(
                name=SPLIT,
                shard_lengths=lengths,
                num_bytes=sum(sizes),
                filename_template=template,
            )
        ]

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, object]]]:
        """Yields (position, example); raises UserError if files changed since they were hashed."""
        source = self.source
        digests = []
        for position, record in enumerate(self._records()):
            if source.content_hash is not None:
                digests.append((record.file, record.sha256))
            yield position, record._asdict() | {"file": os.fsencode(record.file)}
        if source.content_hash is not None and content_hash(digests) != source.content_hash:
            raise UserError(f"{source.root}: files changed while they were read; run again")

    def _records(self) -> Iterator[Record]:
        """Yields the source's files, in order."""
        for file, label in file_progress_bar(self.source.files, f"preparing {self.name}"):
            content = (self.source.root / file).read_bytes()
            yield Record(content, file, label, sha256(content))
