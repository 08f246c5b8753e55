import contextlib
import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import synthetic
from synthmed_jax.data.synthetic import ManifestRow
from synthmed_jax.errors import Damaged, UserError


def write_set(directory: Path, per_class: int, size: int = 4) -> list[ManifestRow]:
    rng = np.random.default_rng(0)
    rows = []
    for name in ("a", "b,c"):
        (directory / name).mkdir(parents=True)
        for index in range(per_class):
            path = directory / name / f"{index:05d}.png"
            Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path)
            rows.append(
                ManifestRow(
                    path=path.relative_to(directory).as_posix(),
                    class_name=name,
                    index=index,
                    seed=3,
                    sampler="ddim",
                    steps=25,
                    guidance=1.5,
                    checkpoint="0a1b",
                    sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                )
            )
    return rows


def test_manifest_round_trip_is_sorted_and_stable(tmp_path):
    rows = write_set(tmp_path, 12)
    synthetic.write_manifest(tmp_path, reversed(rows))
    first = (tmp_path / "manifest.csv").read_bytes()
    assert synthetic.read_manifest(tmp_path) == rows
    synthetic.write_manifest(tmp_path, synthetic.read_manifest(tmp_path))
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
    synthetic.write_manifest(tmp_path, rows)
    text = (tmp_path / "manifest.csv").read_text()
    assert text.splitlines()[1].startswith("'-ve/00000.png,'-ve,0,3,ddim,")
    assert synthetic.read_manifest(tmp_path) == rows
    (tmp_path / "manifest.csv").write_text(text.replace("'-", "-"))  # as earlier versions wrote it
    assert synthetic.read_manifest(tmp_path) == rows


def test_manifest_with_more_columns_is_readable(tmp_path):
    rows = write_set(tmp_path, 1)
    synthetic.write_manifest(tmp_path, rows)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    lines = [f"{line},{'kept' if number == 0 else 'yes'}" for number, line in enumerate(lines)]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    assert synthetic.read_manifest(tmp_path) == rows
    # Written anew, it would lose what somebody has added.
    with pytest.raises(UserError, match="kept, which would be lost"):
        synthetic.write_manifest(tmp_path, rows)


def test_rows_that_end_in_an_error_leave_the_old_manifest(tmp_path):
    rows = write_set(tmp_path, 2)
    synthetic.write_manifest(tmp_path, rows)

    def dies():
        yield rows[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthetic.write_manifest(tmp_path, dies())
    assert synthetic.read_manifest(tmp_path) == rows
    assert not list(tmp_path.glob(".manifest*"))


def test_missing_or_foreign_manifest(tmp_path):
    with pytest.raises(UserError, match="is gone"):
        synthetic.read_manifest(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,class\n")
    with pytest.raises(UserError, match=r"lacks the column.*sha256"):
        synthetic.read_manifest(tmp_path)


def test_loads_the_first_of_each_class(tmp_path):
    rows = write_set(tmp_path, 11)
    synthetic.write_manifest(tmp_path, rows)
    loaded = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (10, 10), channels=3)
    assert loaded.files == tuple(row.path for row in rows if row.index < 10)
    assert loaded.labels.tolist() == [0] * 10 + [1] * 10
    for image, file in zip(loaded.images, loaded.files, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / file)))
    grey = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (2, 2), channels=1)
    assert grey.images.shape == (4, 4, 4, 1)


def test_loads_as_many_of_each_class_as_are_asked_for_whatever_was_used_last(tmp_path):
    rows = [dataclasses.replace(row, used=row.index < 2) for row in write_set(tmp_path, 5)]
    synthetic.write_manifest(tmp_path, rows)
    loaded = synthetic.load_synthetic(tmp_path, ("a", "b,c"), (4, 1))
    assert loaded.files == (*(f"a/0000{i}.png" for i in range(4)), "b,c/00000.png")
    assert loaded.labels.tolist() == [0, 0, 0, 0, 1]


def test_which_images_are_used_is_in_the_manifest_and_all_are_where_it_does_not_say(tmp_path):
    rows = [dataclasses.replace(row, used=row.index != 1) for row in write_set(tmp_path, 2)]
    synthetic.write_manifest(tmp_path, rows)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    assert [line.split(",")[-2] for line in lines] == ["used", "1", "0", "1", "0"]
    assert synthetic.read_manifest(tmp_path) == rows
    # As it was written before there were the last two columns.
    old = "\n".join(line.rsplit(",", 2)[0] for line in lines)
    (tmp_path / "manifest.csv").write_text(old)
    assert synthetic.read_manifest(tmp_path) == [
        dataclasses.replace(row, used=True) for row in rows
    ]


def test_a_file_is_whole_if_it_is_the_one_of_its_row(tmp_path):
    row, *_ = write_set(tmp_path, 1)
    assert synthetic.is_whole(tmp_path, row)
    (tmp_path / row.path).write_bytes((tmp_path / row.path).read_bytes()[:-1])
    assert not synthetic.is_whole(tmp_path, row)
    (tmp_path / row.path).unlink()
    assert not synthetic.is_whole(tmp_path, row)


def test_what_can_not_be_loaded(tmp_path):
    rows = write_set(tmp_path, 3)
    synthetic.write_manifest(tmp_path, rows)
    load = synthetic.load_synthetic
    with pytest.raises(UserError, match=r"csv has 3 of the 4 synthetic images of a that"):
        load(tmp_path, ("a", "b,c"), (4, 1))
    with pytest.raises(UserError, match="0 of the 1 synthetic images of d"):
        load(tmp_path, ("a", "d"), (1, 1))
    Image.new("RGB", (4, 4)).save(tmp_path / rows[0].path)
    with pytest.raises(UserError, match="not the image that manifest"):
        load(tmp_path, ("a", "b,c"), (1, 1))
    (tmp_path / rows[0].path).unlink()
    with pytest.raises(UserError, match="is gone"):
        load(tmp_path, ("a", "b,c"), (1, 1))
    synthetic.write_manifest(tmp_path, [row for row in rows if row.index != 1])
    # Image 2 is no substitute for image 1.
    with pytest.raises(UserError, match="csv has 1 of the 2 synthetic images of b,c"):
        load(tmp_path, ("b,c",), (2,))


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
    synthetic.write_manifest(tmp_path, write_set(tmp_path, 3))
    edit(tmp_path / "manifest.csv", before, after)
    if not fault:
        with contextlib.suppress(Damaged):
            synthetic.read_manifest(tmp_path)
        return
    with pytest.raises(Damaged, match=fault):
        synthetic.read_manifest(tmp_path)


def test_a_row_that_was_cut_is_damaged(tmp_path):
    synthetic.write_manifest(tmp_path, write_set(tmp_path, 1))
    path = tmp_path / "manifest.csv"
    path.write_text(path.read_text().removesuffix(",\n"))  # the column made_by is there
    with pytest.raises(Damaged, match="a row can't be read"):
        synthetic.read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"pa\xffth,class\n", b"path," + b"x" * 200_000])
def test_a_manifest_whose_headings_are_damaged_is_named(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(Damaged, match=r"manifest\.csv is damaged: its headings can't be read"):
        synthetic.write_manifest(tmp_path, write_set(tmp_path, 1))


def test_used_images_are_loaded_whatever_their_indices(tmp_path):
    rows = write_set(tmp_path, 4)
    kept = [dataclasses.replace(row, used=row.index not in (0, 2)) for row in rows]
    synthetic.write_manifest(tmp_path, reversed(kept))
    # The files of the others are not needed.
    (tmp_path / "a" / "00000.png").unlink()
    images = synthetic.load_used(tmp_path, ("a", "b,c"), (2, 2))
    assert images.files == ("a/00001.png", "a/00003.png", "b,c/00001.png", "b,c/00003.png")
    assert images.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(Damaged, match="has 2 of the 3 synthetic images of b,c that are needed"):
        synthetic.load_used(tmp_path, ("a", "b,c"), (2, 3))
