import json

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.results.split import PartCounts, SplitEntry, SplitFile


def split_of(*entries):
    counts = {"glioma": PartCounts(4, 1, 1, 2)}
    return SplitFile("any", 0, "hash", ("glioma",), counts, (), entries[:1], entries[1:])


def test_without_groups_no_entry_bears_one(tmp_path):
    path = tmp_path / "split.json"
    split_of(SplitEntry("a.png", "glioma"), SplitEntry("b.png", "glioma")).write(path)
    assert "group" not in path.read_text()
    assert json.loads(path.read_text())["fit"] == [{"file": "a.png", "label": "glioma"}]


def test_groups_are_written_and_read(tmp_path):
    path = tmp_path / "split.json"
    split = split_of(SplitEntry("a.png", "glioma", 0), SplitEntry("b.png", "glioma", 3))
    split.write(path)
    assert [entry["group"] for entry in json.loads(path.read_text())["fit"]] == [0]
    assert SplitFile.read(path) == split


def test_the_test_images_are_not_read(tmp_path):
    path = tmp_path / "split.json"
    split = split_of(SplitEntry("a.png", "glioma"), SplitEntry("b.png", "glioma"))
    path.write_text(json.dumps(split.to_document() | {"test": ["whatever it holds"]}))
    read = SplitFile.read(path)
    assert read == split
    assert "test" not in read.to_document()
    assert "whatever" not in repr(read)
    # Other keys are no part of it.
    path.write_text(json.dumps(split.to_document() | {"tests": []}))
    with pytest.raises(UserError, match=r"split\.json \(version 1 of SplitFile\).*fields: tests"):
        SplitFile.read(path)
