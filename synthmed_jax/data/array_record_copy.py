"""A copy of a synthetic set as a TFDS data set in array_record files, written without TensorFlow.

builder = tfds.builder_from_directory(<the folder that `write_copy` returns>)
source = builder.as_data_source("all")  # {"content", "file", "sha256", "label"} by position
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from synthmed_jax.data.manifest import ManifestRow
from synthmed_jax.data.sets.builders import ImageBuilder, Source
from synthmed_jax.data.sets.listing import ImageFile
from synthmed_jax.errors import UserError


class SyntheticImages(ImageBuilder):
    """The bytes of the PNG files, as they are."""

    DESCRIPTION = "Synthetic images of a run of synthmed_jax; see README.md beside their files."
    CITATION = ""


def write_copy(
    directory: Path, rows: Sequence[ManifestRow], class_names: Sequence[str], target: Path
) -> Path:
    """Writes the images that the run uses, by class and index; returns the data set's folder.

    Args:
      directory: the synthetic set's folder.
      rows: of the manifest.
      class_names: in the order of the labels.
      target: the folder that the data set's own folder is made in.

    Raises:
      UserError: a copy is there already.
    """
    used = [row for row in rows if row.used]
    files = [ImageFile(row.path, class_names.index(row.class_name)) for row in used]
    source = Source(directory, files, tuple(class_names), key="", content_hash=None)
    builder = SyntheticImages(source=source, data_dir=str(target))
    folder = Path(builder.data_dir)
    if folder.exists():
        raise UserError(f"{folder} is there already: remove it, or name another folder")
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints a line before and after
        builder.download_and_prepare()
    return folder
