import pytest

from synthmed_jax.data import folder
from synthmed_jax.data.records import ImageFile
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


def test_what_is_no_tree_of_classes(tmp_path, make_images):
    with pytest.raises(UserError, match="is no folder"):
        folder.list_files(tmp_path / "nowhere")
    make_images(tmp_path, "1.png", "only/1.png")
    with pytest.raises(UserError, match=r"at least two class folders.*found: only"):
        folder.list_files(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"class folder\(s\) empty"):
        folder.list_files(tmp_path)
