import collections
import contextlib
import dataclasses
import shutil
from pathlib import Path

import pytest

from synthmed_jax.data import manifest
from synthmed_jax.errors import Damaged, UserError
from tests.data.written_set import write_manifest, write_set


def test_manifest_round_trip_is_sorted_and_stable(tmp_path):
    rows = write_set(tmp_path, 12)
    write_manifest(tmp_path, reversed(rows))
    first = (tmp_path / "manifest.csv").read_bytes()
    assert manifest.read_manifest(tmp_path) == rows
    write_manifest(tmp_path, manifest.read_manifest(tmp_path))
    assert (tmp_path / "manifest.csv").read_bytes() == first
    lines = first.decode().splitlines()
    assert lines[0] == "path,class,index,seed,sampler,steps,guidance,checkpoint,sha256,used,made_by"
    assert lines[1] == f"a/00000.png,a,0,3,ddim,25,1.5,0a1b,{rows[0].sha256},1,"
    assert lines[13].startswith('"b,c/00000.png","b,c",0,3,ddim,')


def test_a_class_that_a_spreadsheet_takes_for_a_formula(tmp_path):
    rows = [
        dataclasses.replace(row, class_name="-ve", path=f"-ve/{row.index:05d}.png")
        for row in write_set(tmp_path, 1)
    ]
    write_manifest(tmp_path, rows)
    text = (tmp_path / "manifest.csv").read_text()
    assert text.splitlines()[1].startswith("'-ve/00000.png,'-ve,0,3,ddim,")
    assert manifest.read_manifest(tmp_path) == rows
    (tmp_path / "manifest.csv").write_text(text.replace("'-", "-"))  # as earlier versions wrote it
    assert manifest.read_manifest(tmp_path) == rows


def test_manifest_with_more_columns_is_readable(tmp_path):
    rows = write_set(tmp_path, 1)
    write_manifest(tmp_path, rows)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    lines = [f"{line},{'kept' if number == 0 else 'yes'}" for number, line in enumerate(lines)]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    assert manifest.read_manifest(tmp_path) == rows
    # Written anew, it would lose what somebody has added.
    with pytest.raises(UserError, match="kept, which would be lost"):
        write_manifest(tmp_path, rows)


def test_rows_that_end_in_an_error_leave_the_old_manifest(tmp_path):
    rows = write_set(tmp_path, 2)
    write_manifest(tmp_path, rows)

    def dies():
        yield rows[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_manifest(tmp_path, dies())
    assert manifest.read_manifest(tmp_path) == rows
    assert not list(tmp_path.glob(".manifest*"))


def test_missing_or_foreign_manifest(tmp_path):
    with pytest.raises(UserError, match="is gone"):
        manifest.read_manifest(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,class\n")
    with pytest.raises(UserError, match=r"lacks the column.*sha256"):
        manifest.read_manifest(tmp_path)


def test_which_images_are_used_is_in_the_manifest_and_all_are_where_it_does_not_say(tmp_path):
    rows = [dataclasses.replace(row, used=row.index != 1) for row in write_set(tmp_path, 2)]
    write_manifest(tmp_path, rows)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    assert [line.split(",")[-2] for line in lines] == ["used", "1", "0", "1", "0"]
    assert manifest.read_manifest(tmp_path) == rows
    # As it was written before there were the last two columns.
    old = "\n".join(line.rsplit(",", 2)[0] for line in lines)
    (tmp_path / "manifest.csv").write_text(old)
    assert manifest.read_manifest(tmp_path) == [dataclasses.replace(row, used=True) for row in rows]


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("a/00001.png", "a/00002.png", "it has a/00002.png where a/00001.png belongs"),
        ("a/00001.png,a,1,", "a/00001.png,a,7,", "it has a/00001.png where a/00007.png belongs"),
        ("a/00001.png", "../../x", "where a/00001.png belongs"),
        (",a,1,", ",a,one,", "a row can't be read"),
        (",a,1,", "", "a row can't be read"),
        ("ddim", "\0", ""),  # a newer reader of tables takes it
    ],
)
def test_a_manifest_that_was_changed_is_damaged(tmp_path, before, after, fault):
    write_manifest(tmp_path, write_set(tmp_path, 3))
    edit(tmp_path / "manifest.csv", before, after)
    if not fault:
        with contextlib.suppress(Damaged):
            manifest.read_manifest(tmp_path)
        return
    with pytest.raises(Damaged, match=fault):
        manifest.read_manifest(tmp_path)


def test_a_row_that_was_cut_is_damaged(tmp_path):
    write_manifest(tmp_path, write_set(tmp_path, 1))
    path = tmp_path / "manifest.csv"
    path.write_text(path.read_text().removesuffix(",\n"))  # the column made_by is there
    with pytest.raises(Damaged, match="a row can't be read"):
        manifest.read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"pa\xffth,class\n", b"path," + b"x" * 200_000])
def test_a_manifest_whose_headings_are_damaged_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(Damaged, match=r"manifest\.csv is damaged: its headings can't be read"):
        write_manifest(tmp_path, write_set(tmp_path, 1))


@pytest.fixture
def folders_of_three(monkeypatch):
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 3)


def rows_of(name, indices):
    return [
        manifest.ManifestRow(
            manifest.path_of(name, i), name, i, 3, "ddim", 25, 1.5, "0a1b", f"digest{i}"
        )
        for i in indices
    ]


def test_no_folder_has_more_than_its_number_of_images(folders_of_three):
    paths = [manifest.path_of("a", i) for i in range(8)]
    assert paths[2:4] == ["a/00002.png", "a/0001/00003.png"]
    of_folder = collections.Counter(path.rpartition("/")[0] for path in paths)
    assert of_folder == {"a": 3, "a/0001": 3, "a/0002": 2}


def test_every_further_folder_has_the_rows_of_its_images(tmp_path, folders_of_three):
    rows = [*rows_of("a", range(8)), *rows_of("b", range(4))]
    write_manifest(tmp_path, reversed(rows))
    found = {part: manifest.read_part(tmp_path, part) for part in manifest.parts(tmp_path)}
    assert {part: [(r.class_name, r.index) for r in of] for part, of in found.items()} == {
        "manifest.csv": [(name, i) for name in "ab" for i in range(3)],
        "a/0001/manifest.csv": [("a", i) for i in (3, 4, 5)],
        "a/0002/manifest.csv": [("a", i) for i in (6, 7)],
        "b/0001/manifest.csv": [("b", 3)],
    }
    assert manifest.read_manifest(tmp_path) == rows


def test_a_row_in_another_folders_manifest_is_damage(tmp_path, folders_of_three):
    write_manifest(tmp_path, rows_of("a", range(8)))
    for wrong in ("a/0002", "b/0001"):
        (tmp_path / wrong).mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "a/0001/manifest.csv", tmp_path / wrong / "manifest.csv")
        with pytest.raises(Damaged, match=r"a/0001/00003\.png, which belongs to a/0001/manifest"):
            manifest.read_manifest(tmp_path)
        (tmp_path / wrong / "manifest.csv").unlink()


def test_a_set_of_an_earlier_version_has_all_images_in_one_folder(tmp_path, monkeypatch):
    rows = rows_of("a", range(8))
    write_manifest(tmp_path, rows)
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 3)
    assert manifest.parts(tmp_path) == ["manifest.csv"]
    assert manifest.read_manifest(tmp_path) == rows
    # Killed after a row came to another part, both have it: that part's is the later one.
    later = dataclasses.replace(rows[4], used=False)
    manifest.write_part(tmp_path, later.part, [later])
    assert manifest.read_manifest(tmp_path) == [*rows[:4], later, *rows[5:]]
