"""The array_record copy, as TFDS reads it without TensorFlow."""

import dataclasses

import pytest
import tensorflow_datasets as tfds

from synthmed_jax.data.array_record_copy import write_copy
from synthmed_jax.errors import UserError
from tests.data.metadata_csv_test import make_set


def test_tfds_reads_the_bytes_that_were_written(tmp_path):
    rows = make_set(tmp_path / "set")
    rows[1] = dataclasses.replace(rows[1], used=False)
    folder = write_copy(tmp_path / "set", rows, ("benign", "malignant"), tmp_path / "copy")
    builder = tfds.builder_from_directory(folder)
    source = builder.as_data_source("all")
    used = [row for row in rows if row.used]
    assert len(source) == len(used) == 5
    assert builder.info.features["label"].names == ["benign", "malignant"]
    for row, example in zip(used, (source[i] for i in range(len(source))), strict=True):
        assert example["content"] == (tmp_path / "set" / row.path).read_bytes()
        assert (example["file"].decode(), example["sha256"].decode()) == (row.path, row.sha256)
        assert example["label"] == (row.class_name == "malignant")
    with pytest.raises(UserError, match="is there already"):
        write_copy(tmp_path / "set", rows, ("benign", "malignant"), tmp_path / "copy")
