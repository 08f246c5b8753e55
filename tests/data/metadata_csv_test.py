"""metadata.csv, read as its readers do: pandas by columns, image folders by paths and classes."""

import csv
import dataclasses
import hashlib
import pathlib

import pytest
from PIL import Image

from synthmed_jax.data.manifest import ManifestRow, path_of
from synthmed_jax.data.metadata_csv import COLUMNS, write_metadata


def make_set(folder, names=("benign", "malignant"), per_class=3):
    rows = []
    for label, name in enumerate(names):
        for index in range(per_class):
            path = folder / path_of(name, index)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), 50 * label + index).save(path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            rows.append(
                ManifestRow(path_of(name, index), name, index, 7, "ddim", 25, 1.5, "0a1b", digest)
            )
    return rows


def read_table(folder):
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def image_folder(root):
    """What torchvision's ImageFolder lists: (path, label) by the class folders, in their order."""
    classes = sorted(path.name for path in root.iterdir() if path.is_dir())
    return classes, [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((root / name).rglob("*.png"))
    ]


def test_a_table_and_class_folders_say_the_same(tmp_path):
    rows = make_set(tmp_path)
    write_metadata(tmp_path, rows)
    table = read_table(tmp_path)
    assert tuple(table[0]) == COLUMNS
    assert COLUMNS[0] == "file_name"  # as Hugging Face's imagefolder asks
    classes, listed = image_folder(tmp_path)
    assert {(tmp_path / row["file_name"], row["label"]) for row in table} == {
        (path, classes[label]) for path, label in listed
    }
    for row in table:
        content = (tmp_path / row["file_name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert (float(table[0]["guidance"]), int(table[0]["steps"])) == (1.5, 25)


def test_images_that_are_not_used_are_no_part_of_it(tmp_path):
    rows = make_set(tmp_path)
    rows[2] = dataclasses.replace(rows[2], used=False)
    write_metadata(tmp_path, rows)
    assert [row["file_name"] for row in read_table(tmp_path)] == [
        row.path for row in rows if row.used
    ]


def test_equal_rows_give_equal_bytes(tmp_path):
    rows = make_set(tmp_path)
    write_metadata(tmp_path, rows)
    first = (tmp_path / "metadata.csv").read_bytes()
    write_metadata(tmp_path, rows)
    assert (tmp_path / "metadata.csv").read_bytes() == first


@pytest.mark.parametrize("name", ["+ve", "=1+1", "-", "@home", "'=x", "a, b", 'a "b"', "日本"])
def test_paths_are_found_whatever_a_class_is_called(name, tmp_path):
    write_metadata(tmp_path, make_set(tmp_path, (name, "other")))
    for row in read_table(tmp_path):
        assert (tmp_path / row["file_name"]).is_file()
        assert not row["file_name"].startswith(tuple("=+-@"))
        assert pathlib.PurePosixPath(row["file_name"]).parts[0] in (name, "other")
