import os

import pytest

from synthmed_jax.data.sets import folder
from synthmed_jax.data.sets.listing import ImageFile, hash_files
from synthmed_jax.errors import UserError


def test_first_level_is_the_class_and_images_may_lie_deeper(tmp_path, make_images):
    make_images(tmp_path, "b/2.JPG", "b/p1/left/1.png", "B2/1.tif", "a/x.bmp", "loose.png")
    (tmp_path / "a/notes.txt").write_text("no image")
    names, files = folder.list_files(tmp_path)
    assert names == ("B2", "a", "b")
    assert files == [
        ImageFile("B2/1.tif", 0),
        ImageFile("a/x.bmp", 1),
        ImageFile("b/2.JPG", 2),
        ImageFile("b/p1/left/1.png", 2),
    ]


def test_what_is_left_out_is_said(tmp_path, make_images, capsys):
    make_images(tmp_path, "a/1.png", "b/1.png")
    folder.list_files(tmp_path)
    assert not capsys.readouterr().out
    for file in ("a/1.dcm", "a/2.dcm", "b/notes.txt", "b/.hidden"):
        (tmp_path / file).write_bytes(b"no image")
    folder.list_files(tmp_path)
    assert "left out 2 of .dcm, 1 of .txt, no images" in capsys.readouterr().out
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(
        UserError, match=r"class folder\(s\) a .* by their ending: 2 of \.dcm, 1 of"
    ):
        folder.list_files(tmp_path)


def test_hidden_files_are_ignored(tmp_path, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png", ".c/1.png", "a/.thumbs/1.png", "__MACOSX/a/1.png")
    (tmp_path / "a/._1.png").write_bytes(b"resource fork")
    names, files = folder.list_files(tmp_path)
    assert names == ("a", "b")
    assert [file.file for file in files] == ["a/1.png", "b/1.png"]


def test_links_are_followed_but_not_for_ever(tmp_path, make_images):
    make_images(tmp_path / "store", "1.png")
    make_images(tmp_path / "root", "a/1.png")
    (tmp_path / "root/b").symlink_to(tmp_path / "store")
    (tmp_path / "root/a/up").symlink_to(tmp_path / "root")
    files = {file for file, _ in folder.list_files(tmp_path / "root")[1]}
    assert {"a/1.png", "b/1.png"} <= files
    assert len(files) < 5


def test_a_link_into_nowhere_is_named(tmp_path, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b/2.png").symlink_to(tmp_path / "not_fetched")
    _, files = folder.list_files(tmp_path)
    with pytest.raises(UserError, match=r"b/2\.png can't be read \(No such file"):
        hash_files(tmp_path, files)


def test_parts_of_a_set_are_no_classes(tmp_path, make_images):
    make_images(tmp_path, "Train/a/1.png", "Train/b/1.png", "test/a/1.png", "test/b/1.png")
    with pytest.raises(UserError, match=r"holds Train, test, which are parts and not classes"):
        folder.list_files(tmp_path)
    make_images(tmp_path, "tumour/1.png")  # somebody's class may be called so
    assert folder.list_files(tmp_path)[0] == ("Train", "test", "tumour")


def test_a_class_whose_name_is_no_text(tmp_path, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b").rename(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"))
    with pytest.raises(UserError, match=r"name that is no UTF-8; rename it"):
        folder.list_files(tmp_path)


def test_what_is_no_tree_of_classes(tmp_path, make_images):
    with pytest.raises(UserError, match="is no folder"):
        folder.list_files(tmp_path / "nowhere")
    make_images(tmp_path, "1.png", "only/1.png")
    with pytest.raises(UserError, match=r"at least two class folders.*found: only"):
        folder.list_files(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"class folder\(s\) empty"):
        folder.list_files(tmp_path)
