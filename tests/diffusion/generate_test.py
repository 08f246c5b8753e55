import hashlib

import numpy as np
import pytest

from synthmed_jax.data import manifest, synthetic
from synthmed_jax.diffusion import generate
from synthmed_jax.diffusion.sampling import SampleSettings

SETTINGS = SampleSettings("ddpm", 12, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
NAMES = ("left", "right")
BLOCK = 4


def draw_class(label, index):
    """Grey images that say which they are."""
    rows = np.arange(8, dtype=np.uint8)[None, :, None, None]
    return np.broadcast_to(
        100 * label + index.astype(np.uint8)[:, None, None, None] + rows, (len(index), 8, 8, 1)
    ).astype(np.uint8)


def run(draw, counts, directory, block=BLOCK):
    """counts: of both classes, or of each."""
    counts = (counts, counts) if isinstance(counts, int) else counts
    generate.generate(draw, SETTINGS, block, NAMES, counts, ("c0", "c1"), directory)


def used(directory):
    """(class, index) -> whether it is used."""
    return {(r.class_name, r.index): r.used for r in manifest.read_manifest(directory)}


def must_not_draw(label, index):
    raise AssertionError(f"drew {label}, {index}")


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_manifest_and_files_agree(tmp_path):
    run(draw_class, 6, tmp_path)
    rows = manifest.read_manifest(tmp_path)
    assert [(r.class_name, r.index) for r in rows] == [(c, i) for c in NAMES for i in range(6)]
    assert all(row.used for row in rows)
    assert len(list(tmp_path.rglob("*.png"))) == 12
    for row in rows:
        content = (tmp_path / row.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.sha256
        generator = {"left": "c0", "right": "c1"}[row.class_name]
        assert (row.sampler, row.steps, row.checkpoint) == ("ddpm", 12, generator)
    loaded = synthetic.load_synthetic(tmp_path, NAMES, (6, 6), channels=1)
    np.testing.assert_array_equal(loaded.images[6:10], draw_class(1, np.arange(4)))


def test_killed_and_resumed_gives_the_same_files(tmp_path):
    run(draw_class, 8, tmp_path / "a")
    calls = 0

    def dies(label, index):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return draw_class(label, index)

    with pytest.raises(KeyboardInterrupt):
        run(dies, 8, tmp_path / "b")
    run(draw_class, 8, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_resumed_in_blocks_of_another_size_no_image_is_there_twice(tmp_path):
    run(draw_class, 4, tmp_path)
    run(draw_class, 9, tmp_path, block=3)
    found = [(row.class_name, row.index) for row in manifest.read_manifest(tmp_path)]
    assert found == [(name, i) for name in NAMES for i in range(9)]
    loaded = synthetic.load_synthetic(tmp_path, NAMES, (9, 9), channels=1)
    np.testing.assert_array_equal(loaded.images[9:], draw_class(1, np.arange(9)))


def test_more_images_later_redo_nothing(tmp_path):
    run(draw_class, 4, tmp_path / "a")
    drawn = []

    def counts(label, index):
        drawn.extend(index.tolist())
        return draw_class(label, index)

    run(counts, 8, tmp_path / "a")
    assert drawn == [4, 5, 6, 7] * 2
    run(draw_class, 8, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_each_class_has_its_number_and_a_block_is_drawn_whole(tmp_path):
    drawn = []

    def counts(label, index):
        drawn.append((label, index.tolist()))
        return draw_class(label, index)

    run(counts, (1, 6), tmp_path)
    assert drawn == [(0, [0, 1, 2, 3]), (1, [0, 1, 2, 3]), (1, [4, 5, 6, 7])]
    assert list(used(tmp_path)) == [("left", 0), *(("right", i) for i in range(6))]
    loaded = synthetic.load_synthetic(tmp_path, NAMES, (1, 6), channels=1)
    np.testing.assert_array_equal(loaded.images[1:], draw_class(1, np.arange(6)))


def test_more_images_later_write_only_what_lacks(tmp_path):
    run(draw_class, 2, tmp_path / "a")
    before = {path: path.stat().st_ino for path in (tmp_path / "a").rglob("*.png")}
    run(draw_class, (2, 7), tmp_path / "a")
    # The block of image 2 is drawn again; files 0 and 1 are those that were there.
    assert {path: path.stat().st_ino for path in before} == before
    run(draw_class, (2, 7), tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_fewer_images_later_leave_the_others_unused(tmp_path):
    run(draw_class, 6, tmp_path)
    before, manifest = files(tmp_path), tmp_path / "manifest.csv"
    run(must_not_draw, (3, 6), tmp_path)
    assert [image for image, is_used in used(tmp_path).items() if not is_used] == [
        ("left", 3), ("left", 4), ("left", 5)
    ]  # fmt: skip
    assert {p: b for p, b in files(tmp_path).items() if p.suffix == ".png"} == {
        p: b for p, b in before.items() if p.suffix == ".png"
    }
    lowered = manifest.read_bytes()
    run(must_not_draw, (3, 6), tmp_path)
    assert manifest.read_bytes() == lowered
    run(must_not_draw, 6, tmp_path)
    assert files(tmp_path) == before


def test_a_surplus_of_whole_blocks_becomes_unused_and_stays(tmp_path):
    """Earlier versions wrote whole blocks, and no column that says which images are used."""
    run(draw_class, 8, tmp_path)
    manifest = tmp_path / "manifest.csv"
    lines = manifest.read_text().splitlines()
    manifest.write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))
    before = {p: b for p, b in files(tmp_path).items() if p.suffix == ".png"}
    synthetic.load_synthetic(tmp_path, NAMES, (6, 6), channels=1)
    run(must_not_draw, 6, tmp_path)
    assert used(tmp_path) == {(name, i): i < 6 for name in NAMES for i in range(8)}
    assert {p: b for p, b in files(tmp_path).items() if p.suffix == ".png"} == before


@pytest.mark.parametrize("damage", ["remove", "truncate", "empty", "edit"])
def test_a_damaged_image_is_drawn_again_and_no_other(tmp_path, damage, capsys):
    run(draw_class, 6, tmp_path)
    before = files(tmp_path)
    path = tmp_path / "right" / "00004.png"
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        edited = {"truncate": content[:-9], "empty": b"", "edit": content + b"x"}
        path.write_bytes(edited[damage])
    kept = {p: p.stat().st_ino for p in tmp_path.rglob("*.png") if p != path}
    assert generate.lacking_images(tmp_path, NAMES, (6, 6), BLOCK) == {(1, 4): [4]}
    capsys.readouterr()
    run(draw_class, 6, tmp_path)
    assert files(tmp_path) == before
    assert {p: p.stat().st_ino for p in kept} == kept
    said = "generate: right/00004.png missing or not as manifest.csv has it: drawn again"
    assert said in capsys.readouterr().out


def test_a_kill_while_an_image_is_written_leaves_no_half_of_it(tmp_path, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("synthmed_jax.files.os.replace", dies)
    with pytest.raises(KeyboardInterrupt):
        run(draw_class, 1, tmp_path)
    assert not list(tmp_path.rglob("*.png"))


def test_a_file_that_is_linked_elsewhere_is_replaced_and_not_written_through(tmp_path):
    run(draw_class, 1, tmp_path / "a")
    path = tmp_path / "a" / "left" / "00000.png"
    other = tmp_path / "other.png"
    other.hardlink_to(path)
    (tmp_path / "a" / "manifest.csv").unlink()
    whole = other.read_bytes()

    def draws_otherwise(label, index):
        return 255 - draw_class(label, index)

    run(draws_otherwise, 1, tmp_path / "a")
    assert other.read_bytes() == whole != path.read_bytes()


@pytest.mark.parametrize("killed_at", [1, 4, 6])
def test_a_set_of_several_folders_is_that_of_one_and_a_kill_changes_nothing(
    tmp_path, monkeypatch, killed_at
):
    """Blocks of four images lie across folders of three."""
    run(draw_class, 10, tmp_path / "one")
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 3)
    run(draw_class, 10, tmp_path / "whole")
    for folder in {path.parent for path in (tmp_path / "whole").rglob("*.png")}:
        assert len(list(folder.glob("*.png"))) <= 3

    calls = 0

    def dies(label, index):
        nonlocal calls
        calls += 1
        if calls == killed_at:
            raise KeyboardInterrupt
        return draw_class(label, index)

    with pytest.raises(KeyboardInterrupt):
        run(dies, 10, tmp_path / "killed")
    run(draw_class, 10, tmp_path / "killed")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    load = synthetic.load_synthetic
    many = load(tmp_path / "whole", NAMES, (10, 10), channels=1)
    one = load(tmp_path / "one", NAMES, (10, 10), channels=1)
    np.testing.assert_array_equal(many.images, one.images)


def test_a_further_folders_manifest_that_is_gone_costs_its_images_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 4)
    run(draw_class, 10, tmp_path)
    before = files(tmp_path)
    (tmp_path / "left/0001/manifest.csv").unlink()
    drawn = []

    def counts(label, index):
        drawn.append((label, index.tolist()))
        return draw_class(label, index)

    run(counts, 10, tmp_path)
    assert drawn == [(0, [4, 5, 6, 7])]
    assert files(tmp_path) == before


def test_a_set_of_an_earlier_version_grows_into_further_folders(tmp_path, monkeypatch):
    run(draw_class, 6, tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr(manifest, "IMAGES_PER_FOLDER", 4)
    run(draw_class, 9, tmp_path)
    after = files(tmp_path)
    assert {path: after[path] for path in before if path.suffix == ".png"} == {
        path: content for path, content in before.items() if path.suffix == ".png"
    }
    rows = manifest.read_manifest(tmp_path)
    assert [(row.class_name, row.index) for row in rows] == [
        (c, i) for c in NAMES for i in range(9)
    ]
    assert rows[5].path == "left/00005.png"
    assert rows[6].path == "left/0001/00006.png"
    loaded = synthetic.load_synthetic(tmp_path, NAMES, (9, 9), channels=1)
    np.testing.assert_array_equal(loaded.images[:9], draw_class(0, np.arange(9)))
