import dataclasses

import pytest

from synthmed_jax.data import manifest, open_manifest
from synthmed_jax.data.open_manifest import OpenManifest
from tests.data.written_set import write_manifest


@pytest.fixture(autouse=True)
def _folders_of_three(monkeypatch):
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 3)


def row_of(index, name="a"):
    path = manifest.path_of(name, index)
    return manifest.ManifestRow(path, name, index, 3, "ddim", 25, 1.5, "0a1b", f"digest{index}")


def test_what_was_put_is_there_before_and_after_it_is_saved(tmp_path):
    rows = OpenManifest(tmp_path)
    assert rows.get(("a", 0)) is None
    for i in (20, 1, 7, 0):
        rows.put(row_of(i))
    assert [rows.get(("a", i)) for i in (0, 7, 20)] == [row_of(0), row_of(7), row_of(20)]
    rows.save()
    assert manifest.read_manifest(tmp_path) == [row_of(i) for i in (0, 1, 7, 20)]
    assert list(OpenManifest(tmp_path)) == [row_of(i) for i in (0, 1, 7, 20)]


def test_few_parts_are_in_memory_and_those_that_leave_are_written(tmp_path):
    rows = OpenManifest(tmp_path)
    for i in range(30):
        rows.put(row_of(i))
        assert len(rows._parts) <= open_manifest._PARTS_IN_MEMORY + 1
    # Of ten parts, manifest.csv and the last wait for `save`.
    assert len(manifest.parts(tmp_path)) == 8
    rows.save()
    assert manifest.read_manifest(tmp_path) == [row_of(i) for i in range(30)]


def test_nothing_is_written_where_nothing_has_changed(tmp_path, monkeypatch):
    OpenManifest(tmp_path).save()
    assert not list(tmp_path.iterdir())
    write_manifest(tmp_path, [row_of(i) for i in range(12)])
    monkeypatch.setattr(open_manifest, "write_part", None)
    rows = OpenManifest(tmp_path)
    assert len(list(rows)) == 12
    rows.save()


def test_rows_change_while_all_are_looked_at(tmp_path):
    write_manifest(tmp_path, [row_of(i) for i in range(12)])
    rows = OpenManifest(tmp_path)
    for row in rows:
        if row.index % 2:
            rows.remove(("a", row.index))
        else:
            rows.put(dataclasses.replace(row, used=False))
    rows.save()
    kept = [dataclasses.replace(row_of(i), used=False) for i in range(0, 12, 2)]
    assert manifest.read_manifest(tmp_path) == kept


def test_a_row_of_an_earlier_versions_manifest_is_found_and_moves_when_it_changes(tmp_path):
    flat = [dataclasses.replace(row_of(i), path=f"a/{i:05d}.png") for i in range(8)]
    manifest.write_part(tmp_path, "manifest.csv", flat)
    rows = OpenManifest(tmp_path)
    assert rows.get(("a", 7)) == flat[7]
    assert list(rows) == flat
    unused = dataclasses.replace(flat[7], used=False)
    rows.put(unused)
    assert rows.get(("a", 7)) == unused
    rows.remove(("a", 6))
    rows.save()
    assert manifest.read_part(tmp_path, "manifest.csv") == flat[:6]
    assert manifest.read_part(tmp_path, "a/0002/manifest.csv") == [unused]
