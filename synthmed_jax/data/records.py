"""Opens a data set: finds (or fetches) its folder, prepares it with TFDS, serves its records.

No TensorFlow: TFDS writes and reads array_record files. The prepared copy is keyed by a hash of
the source's content, so that a changed folder gives a new copy; TFDS writes into a folder
`incomplete.*` and renames it last, so that a killed run leaves nothing that would be served.
"""

import contextlib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from synthmed_jax.data import sets
from synthmed_jax.data.sets import builders, folder, phantom
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256


class Records:
    """The files of one data set, readable by position.

    Attributes:
      class_names: names by label, sorted.
      data_hash: sha256 over all relative paths and contents.
    """

    def __init__(self, data: Any, class_names: tuple[str, ...], data_hash: str, where: Path):
        self.class_names = class_names
        self.data_hash = data_hash
        self._data = data
        self._where = where

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, position: int) -> builders.Record:
        """Returns one record; raises UserError if its bytes are not those that were stored."""
        stored = self._data[position]
        file, digest = os.fsdecode(stored["file"]), stored["sha256"].decode()
        if sha256(stored["content"]) != digest:
            raise UserError(f"the prepared copy of {file} is damaged: delete {self._where}")
        return builders.Record(stored["content"], file, int(stored["label"]), digest)

    def __iter__(self) -> Iterator[builders.Record]:
        return (self[position] for position in range(len(self)))


def open_records(settings: DataSettings) -> Records:
    """Opens a data set, preparing it first if this content was not prepared before.

    Raises:
      UserError: the data can't be found or fetched (the message says where it is from, how to
        download it and the folders expected), or has fewer than two classes.
    """
    sets.check_settings(settings)
    builder_class = sets.DATASETS[settings.name]
    if settings.name == "phantom":
        drawn = phantom.make_source(
            settings.phantom_images, settings.phantom_seed, settings.image_size
        )
        where = settings.cache / "prepared" / phantom.recipe_hash(drawn)
        data = _prepare(builder_class, drawn, where)
        digests = [(os.fsdecode(row["file"]), row["sha256"].decode()) for row in data]
        return Records(data, drawn.class_names, builders.content_hash(digests), where)
    if issubclass(builder_class, builders.KaggleImages):
        root = find_root(builder_class, settings.dir, settings.variant)
        class_names, files = builder_class.list_files(root, settings.variant)
    else:
        root = Path(settings.dir).expanduser()
        if not settings.dir:
            raise UserError("data.dir is not set: give a folder that holds one folder a class")
        class_names, files = folder.list_files(root)
    data_hash = builders.hash_files(root, files)
    where = settings.cache / "prepared" / data_hash
    data = _prepare(builder_class, builders.Source(root, files, class_names, data_hash), where)
    return Records(data, class_names, data_hash, where)


def find_root(builder_class: type[builders.KaggleImages], given: str, variant: str) -> Path:
    """Returns the folder that holds Kaggle's layout: `given`, or one below it, or a download.

    kagglehub (an optional package) is asked only when `given` is empty or does not exist: a folder
    of another layout is the user's to mend, and must not be replaced by other images in silence.

    Raises:
      UserError: with citation, homepage, download instructions and the layout.
    """
    parent = Path(given).expanduser()
    if given and parent.is_dir():
        for root in (parent, *(parent / name for name in builder_class.FOLDER_NAMES)):
            if builder_class.holds(root, variant):
                return root
        raise UserError(
            f"data.dir={given!r} holds no {builder_class.name} data.\n"
            + _instructions(builder_class, variant)
        )
    missing = f"data.dir={given!r} does not exist" if given else "data.dir is not set"
    if importlib.util.find_spec("kagglehub") is None:
        raise UserError(f"{missing}.\n" + _instructions(builder_class, variant))
    print(f"{missing}: fetching {builder_class.KAGGLE} with kagglehub", file=sys.stderr)
    try:
        root = Path(importlib.import_module("kagglehub").dataset_download(builder_class.KAGGLE))
    except Exception as error:  # kagglehub's errors share no base class
        raise UserError(
            f"{missing}, and kagglehub could not fetch it ({type(error).__name__}: {error}).\n"
            + _instructions(builder_class, variant)
        ) from error
    if not builder_class.holds(root, variant):
        raise UserError(
            f"kagglehub fetched {root}, which has another layout.\n"
            + _instructions(builder_class, variant)
        )
    return root


def _instructions(builder_class: type[builders.KaggleImages], variant: str) -> str:
    owner_name = builder_class.KAGGLE
    folders = builder_class.class_folders(variant).values()
    layout = "\n".join(f"  {folder}/*.jpg or .png" for several in folders for folder in several)
    return (
        f"Get it from {builder_class.HOMEPAGE} (a Kaggle account is needed), either\n"
        "  in a browser: Download, then unpack the archive, or\n"
        f"  pip install kaggle; kaggle datasets download {owner_name} --unzip -p <folder>, or\n"
        "  pip install kagglehub, leave data.dir empty, and it is fetched on the first run,\n"
        "then set --config.data.dir to the folder that holds (itself, or in a folder named "
        f"{' or '.join(builder_class.FOLDER_NAMES)})\n{layout}\n"
        f"Please cite: {builder_class.CITATION}\n"
        "To try the program without any download use configs/phantom_ddpm.py."
    )


def _prepare(
    builder_class: type[builders.ImageBuilder], source: builders.Source, where: Path
) -> Any:
    """Prepares below `where` unless a finished copy is there; returns the TFDS data source."""

    def make_builder() -> builders.ImageBuilder:
        return builder_class(source=source, data_dir=str(where), file_format="array_record")

    # The folder is renamed into place when it is whole. TFDS's own `is_prepared` warns about a no.
    finished = where / builder_class.name / str(builder_class.VERSION) / "dataset_info.json"
    if not finished.is_file():
        tfds.disable_progress_bar()  # ours shows, and only if it takes long
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints a line before and after
                make_builder().download_and_prepare()
        except OSError:
            # Another process may have finished the same copy first; anything else is an error.
            if not finished.is_file():
                raise
    return make_builder().as_data_source(builders.SPLIT)
