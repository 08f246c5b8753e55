"""What the TFDS builders share: listing a tree, hashing it, and storing its files as they are."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import tensorflow_datasets as tfds

from synthmed_jax import checks
from synthmed_jax.data import decode
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, sha256_of
from synthmed_jax.progress import file_progress_bar

SPLIT = "images"
"""The one TFDS split: our own split is made from indices, later (split.py)."""


class ImageFile(NamedTuple):
    """One file of a source: `file` is its POSIX path below the root, `label` its class's index."""

    file: str
    label: int


class Record(NamedTuple):
    """One stored file: original bytes, relative path, class index, sha256 (hexadecimal)."""

    content: bytes
    file: str
    label: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Source:
    """What one prepared copy is made from.

    Attributes:
      root: the data set's own folder.
      files: what to store, in this order.
      class_names: names by label.
      content_hash: of the files; preparing fails if the bytes read give another. "" = unknown.
    """

    root: Path
    files: Sequence[ImageFile]
    class_names: tuple[str, ...]
    content_hash: str


class _LocalInfo(tfds.core.DatasetInfo):
    def initialize_from_bucket(self) -> None:
        """Does nothing: TFDS would look in Google's cloud, and leave a temporary folder behind."""


class ImageBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base of all builders: keeps original bytes, relative path, sha256 and label of every file.

    A builder is made for one `source`, which a plain attribute holds: TFDS would print a custom
    BuilderConfig, all files included. Hence it can't be registered by name either.
    """

    VERSION = tfds.core.Version("1.0.0")
    DESCRIPTION: ClassVar[str] = ""
    CITATION: ClassVar[str] = ""
    HOMEPAGE: ClassVar[str] = ""
    VARIANTS: ClassVar[tuple[str, ...]] = ()
    """The choices of `data.variant`; none: it is not read."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(skip_registration=True, **kwargs)

    def __init__(self, *, source: Source, **kwargs: Any):
        self.source = source
        super().__init__(**kwargs)

    @classmethod
    def check_settings(cls, settings: DataSettings) -> None:
        """Raises UserError for values that this data set refuses."""
        if cls.VARIANTS:
            checks.one_of("config.data.variant", settings.variant, cls.VARIANTS)

    def _info(self) -> tfds.core.DatasetInfo:
        return _LocalInfo(
            builder=self,
            description=self.DESCRIPTION,
            citation=self.CITATION,
            homepage=self.HOMEPAGE,
            # Our order is the order of `files`: TFDS must not shuffle it by a hash of the keys.
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

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager  # source.py finds or fetches the files
        return {SPLIT: self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields (position, example); raises UserError if files changed since they were hashed."""
        source = self.source
        digests = []
        for position, record in enumerate(self._records()):
            digests.append((record.file, record.sha256))
            yield position, record._asdict() | {"file": os.fsencode(record.file)}
        if source.content_hash and content_hash(digests) != source.content_hash:
            raise UserError(f"{source.root}: files changed while they were read; run again")

    def _records(self) -> Iterator[Record]:
        for file, label in file_progress_bar(self.source.files, f"preparing {self.name}"):
            content = (self.source.root / file).read_bytes()
            yield Record(content, file, label, sha256(content))


class KaggleImages(ImageBuilder):
    """Base of the three Kaggle sets, whose folders and classes are known.

    Class attributes: `CLASS_FOLDERS` maps a class to its folders below the root (`{variant}` is
    filled in), `FOLDER_NAMES` are the names that a parent folder may hold the root under, `KAGGLE`
    is Kaggle's owner/name.
    """

    CLASS_FOLDERS: ClassVar[dict[str, tuple[str, ...]]] = {}
    FOLDER_NAMES: ClassVar[tuple[str, ...]] = ()
    KAGGLE: ClassVar[str] = ""

    @classmethod
    def class_folders(cls, variant: str) -> dict[str, tuple[str, ...]]:
        """Returns class name -> folders below the root, class names sorted."""
        return {
            name: tuple(folder.format(variant=variant) for folder in cls.CLASS_FOLDERS[name])
            for name in sorted(cls.CLASS_FOLDERS)
        }

    @classmethod
    def holds(cls, root: Path, variant: str) -> bool:
        """Whether every folder of the layout is below `root`."""
        folders = cls.class_folders(variant).values()
        return all((root / folder).is_dir() for several in folders for folder in several)

    @classmethod
    def list_files(cls, root: Path, variant: str) -> tuple[tuple[str, ...], list[ImageFile]]:
        """Returns the class names and every image below `root`, sorted by path."""
        classes = cls.class_folders(variant)
        files = [
            ImageFile(f"{folder}/{file}", label)
            for label, folders in enumerate(classes.values())
            for folder in folders
            for file in walk_images(root / folder)
        ]
        return tuple(classes), sorted(files)


def walk_files(folder: Path) -> list[str]:
    """Lists the files at any depth below a folder: POSIX paths relative to it, sorted.

    Hidden files and folders do not count.
    """
    found, seen = [], set()
    for where, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        # A link that leads back up would be walked for ever.
        folders[:] = [f for f in folders if not f.startswith(".")] if real not in seen else []
        files = files if real not in seen else []
        seen.add(real)
        found += [
            (Path(where) / file).relative_to(folder).as_posix()
            for file in files
            if not file.startswith(".")
        ]
    return sorted(found)


def is_image(file: str) -> bool:
    """Whether a file's name ends as that of an image does, in any case."""
    return Path(file).suffix.lower() in decode.image_extensions()


def walk_images(folder: Path) -> list[str]:
    """Lists the images among `walk_files`."""
    return [file for file in walk_files(folder) if is_image(file)]


def hash_files(root: Path, files: Sequence[ImageFile]) -> str:
    """Reads all files and returns their `content_hash`.

    Raises:
      UserError: one can't be read.
    """
    digests = []
    for file, _ in file_progress_bar(files, "reading"):
        try:
            digests.append((file, sha256_of(root / file)))
        except OSError as error:  # such as a link into an archive that was not fetched
            raise UserError(
                f"{root / file} can't be read ({error.strerror}): mend or remove it"
            ) from error
    return content_hash(digests)


def content_hash(digests: Iterable[tuple[str, str]]) -> str:
    """Returns the sha256 over (path, sha256 of the content) pairs, in order of the paths."""
    lines = "".join(f"{file}\0{digest}\n" for file, digest in sorted(digests))
    return sha256(lines.encode("utf-8", "surrogateescape"))
