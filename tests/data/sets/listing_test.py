import errno
import hashlib
import os

import pytest

from synthmed_jax.data.sets import listing
from synthmed_jax.data.sets.listing import ImageFile, LeftOut
from synthmed_jax.errors import UserError


def test_walk_lists_every_depth_in_order_and_nothing_hidden(tmp_path):
    for file in ("b.png", "a/c/d.txt", "a/b.png", ".x/a.png", "a/.b.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert listing.walk_files(tmp_path) == ["a/b.png", "a/c/d.txt", "b.png"]
    assert listing.walk_images(tmp_path) == ["a/b.png", "b.png"]
    assert listing.walk_files(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("link", "target", "read", "left"),
    [
        ("a/loop", ".", [], ["a/loop"]),
        ("a/up", "..", [], ["a/up"]),
        ("a/0", "1", [], ["a/0"]),  # an image has the name of the folder where it lies
        ("0", "a/1", [], ["0"]),
        ("a/store", "../../store", ["a/store/x/2.png", "a/store/y.png"], []),
        ("a/file.png", "../../store/y.png", ["a/file.png"], []),
        ("a/of_store", "../../store/up", [], ["a/of_store"]),
    ],
)
def test_links_are_followed_once(tmp_path, link, target, read, left):
    for file in ("set/a/1/1.png", "store/x/2.png", "store/y.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "store/up").symlink_to(tmp_path / "set")
    if "store" in link:
        left = [*left, "a/store/up"] if read else left
    (tmp_path / "set" / link).symlink_to(target)
    images, left_out = listing.sort_out(
        tmp_path / "set", "", listing.walk_files(tmp_path / "set"), ""
    )
    assert images == ["a/1/1.png", *read]
    assert left_out == [LeftOut(file, "", listing.LINK_UP) for file in left]


def test_what_has_no_end_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    reason = "a pipe, a socket or a device, and no file"
    assert listing.sort_out(tmp_path, "", listing.walk_files(tmp_path), "a") == (
        [],
        [LeftOut(file, "a", reason) for file in ("pipe", "pipe.png", "zero.png")],
    )


def test_the_hash_is_of_paths_and_contents_in_order_of_the_paths(tmp_path):
    files = [ImageFile("b", 1), ImageFile("a", 0)]
    for file, content in {"a": b"one", "b": b"two"}.items():
        (tmp_path / file).write_bytes(content)
    assert list(listing.hash_files(tmp_path, files)) == ["b", "a"]
    found = listing.content_hash(listing.hash_files(tmp_path, files).items())
    one, two = hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"two").hexdigest()
    # Prepared copies on users' disks are named so: the formula must stay.
    assert found == hashlib.sha256(f"a\0{one}\nb\0{two}\n".encode()).hexdigest()
    backwards = listing.hash_files(tmp_path, files[::-1])
    assert found == listing.content_hash(backwards.items())
    assert found != listing.content_hash([("a", two), ("b", one)])
    assert found != listing.content_hash([("a", one), ("c", two)])


def test_a_path_that_is_no_text_has_a_hash():
    digest = listing.content_hash([("M\udcfcller.png", "0")])
    assert digest == hashlib.sha256(b"M\xfcller.png\0" + b"0\n").hexdigest()


def test_what_a_desktop_leaves_is_ignored(tmp_path):
    for file in ("Thumbs.db", "a/desktop.ini", "a/.DS_Store", "a/._b.png", "a/b.png"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert listing.walk_files(tmp_path) == ["a/b.png"]


def test_a_folder_that_can_not_be_listed_is_an_error(tmp_path, monkeypatch):
    """A privileged user may list everything, so the refusal of the system is played."""
    (tmp_path / "a/site2").mkdir(parents=True)
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("site2"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for read in (listing.walk_files, lambda path: listing.list_folders(path / "a/site2")):
        with pytest.raises(UserError, match=r"a/site2 can't be listed \(Permission denied\)"):
            read(tmp_path)


def test_files_are_images_or_left_out_with_a_reason(tmp_path):
    files = ["@eaDir/1.png", "@eaDir/1@Syno", "deep/__MACOSX/1.png", "1.png", "2.txt", "deep/3"]
    assert listing.sort_out(tmp_path, "a", files, "a") == (
        ["1.png"],
        [
            LeftOut("a/@eaDir/1.png", "a", "in a folder of the system (@eaDir)"),
            LeftOut("a/deep/__MACOSX/1.png", "a", "in a folder of the system (__MACOSX)"),
            LeftOut("a/2.txt", "a", "no image by its ending (.txt)"),
            LeftOut("a/deep/3", "a", "no image by its ending (no ending)"),
        ],
    )


def test_the_key_of_labels_changes_with_a_label_alone():
    files = [ImageFile("1.png", 0), ImageFile("2.png", 1)]
    key = listing.label_hash(files, ("a", "b"), "0")
    assert key == listing.label_hash(files[::-1], ("a", "b"), "0")
    assert key == listing.label_hash([ImageFile("1.png", 1), ImageFile("2.png", 0)], "ba", "0")
    assert key != listing.label_hash(files, ("a", "c"), "0")
    assert key != listing.label_hash(files, ("a", "b"), "1")


def test_pairs_in_order_have_the_hash_of_all_pairs():
    pairs = [("a/1.png", "x"), ("b/\udcff.png", "y"), ("b/1.png", "z")]
    assert listing.hash_in_order(sorted(pairs)) == listing.content_hash(pairs)
    with pytest.raises(ValueError, match=r"b/1\.png comes after b/"):
        listing.hash_in_order(pairs)
