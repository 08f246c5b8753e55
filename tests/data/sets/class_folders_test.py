import pytest

from synthmed_jax.data.sets import class_folders
from synthmed_jax.data.sets.class_folders import ClassFolder
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.errors import UserError


def test_folders_are_read_and_what_lies_in_none_is_told(tmp_path, make_images, settings):
    make_images(tmp_path, "p/a/1.png", "p/a/x/2.png", "p/b/1.png", "p/top.png", "no.png")
    (tmp_path / "p" / "a" / "notes.txt").touch()
    folders, rest = class_folders.read(
        tmp_path, ["p/a", "p/b"], ["", "p"], settings(exclude="no.png,p/b/*")
    )
    left_out = [LeftOut("p/a/notes.txt", "a", "no image by its ending (.txt)")]
    assert folders == [ClassFolder("p/a", ["1.png", "x/2.png"], left_out)]
    assert (folders[0].name, folders[0].files) == ("a", ["p/a/1.png", "p/a/x/2.png"])
    assert sorted((entry.file, entry.reason) for entry in rest) == [
        ("no.png", "matches data.exclude"),
        ("p/b/1.png", "matches data.exclude"),
        ("p/top.png", "lies beside the class folders"),
    ]


def test_folders_of_one_class_are_put_together(tmp_path):
    folders = [ClassFolder(path, ["1.png"], []) for path in ("p/b", "p/a", "q/b")]
    assert class_folders.by_class(tmp_path, folders) == {
        "a": ["p/a/1.png"],
        "b": ["p/b/1.png", "q/b/1.png"],
    }


def test_a_class_without_images_is_refused_with_what_is_there(tmp_path):
    text = [LeftOut(f"c/{i}.txt", "c", "no image by its ending (.txt)") for i in range(3)]
    folders = [*(ClassFolder(name, ["1.png"], []) for name in "ab"), ClassFolder("c", [], text)]
    with pytest.raises(
        UserError, match=r"class folder\(s\) c of .*--config\.data\.classes=a,b.*: 3 no image by"
    ):
        class_folders.by_class(tmp_path, folders)
