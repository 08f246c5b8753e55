import unicodedata
from pathlib import Path

import pytest

from synthmed_jax.data.sets import guards
from synthmed_jax.errors import UserError


@pytest.fixture
def tree(tmp_path):
    """Folders that would be classes: name -> the images in it."""

    def make(**images: list[str]) -> guards.Tree:
        return guards.Tree(tmp_path, tmp_path, images)

    return make


def test_what_lies_directly_in_a_folder_and_what_deeper(tree):
    folders = tree(a=["1.png", "x/1.png", "x/y/2.png", "z/3.png"], b=["x/1.png"])
    assert folders.subfolders("a") == {"x", "z"}
    assert folders.has_own_images("a")
    assert not folders.has_own_images("b")


@pytest.mark.parametrize(
    ("images", "way_on"),
    [
        (
            {"test": ["a/1.png", "b/1.png"], "train": ["a/2.png", "b/2.png"]},
            "--config.data.parts=train,test takes the classes a, b",
        ),
        (
            {"a": ["1.png"], "b": ["1.png"], "masks": ["1.png"]},
            "--config.data.classes=a,b takes the others.",
        ),
        (
            {"images": ["a/1.png", "b/1.png"], "masks": ["a/1.png", "b/1.png"]},
            "--config.data.parts=images takes the classes in images alone.",
        ),
        ({"images": ["1.png"], "masks": ["1.png"]}, "or a table with the columns file,label"),
    ],
)
def test_names_of_no_class_and_the_way_on(tree, images, way_on):
    with pytest.raises(UserError) as error:
        guards.check_names(tree(**images))
    assert way_on in str(error.value)


def test_each_way_on_is_named_once(tree):
    with pytest.raises(UserError) as error:
        guards.check_names(tree(a=["1.png"], b=["1.png"], **{"$RECYCLE.BIN": ["1.png"]}))
    assert str(error.value).count("--config.data.classes=a,b") == 1


def test_names_of_classes_pass(tree):
    guards.check_names(tree(benign=["1.png"], testis=["1.png"]))
    guards.check_class_names(Path("root"), ["benign", "testis"])
    with pytest.raises(UserError, match=r"masks \(by name masks .*data\.classes=benign names"):
        guards.check_class_names(Path("root"), ["benign", "masks"])


@pytest.mark.parametrize(
    ("images", "fields", "message"),
    [
        (
            {"p": ["a/1.png", "b/1.png"], "q": ["a/2.png", "b/2.png"]},
            {},
            "If a, b are the classes, --config.data.parts=p,q takes them together",
        ),
        (
            {"p": ["images/1.png", "masks/1.png"], "q": ["images/2.png", "masks/2.png"]},
            {"exclude": "*x*"},
            "--config.data.exclude='*x*,*/masks/*' leaves out masks, --config.data.keep_masks=True",
        ),
        ({"p": ["images/1.png", "masks/1.png"], "q": ["images/2.png"]}, {}, ""),
        # Folders of patients or series; grades of a disease are few.
        ({"p": ["001/1.png", "002/1.png"], "q": ["001/2.png", "002/2.png"]}, {}, ""),
        ({name: [f"P{i}/1.png" for i in range(20)] for name in "pq"}, {}, ""),
        (
            {name: [f"{i}/1.png" for i in range(5)] for name in "pq"},
            {},
            "If 0, 1, 2, 3, 4 are the classes, --config.data.parts=p,q takes them together",
        ),
        ({"p": ["a/1.png", "b/1.png", "1.png"], "q": ["a/2.png", "b/2.png"]}, {}, ""),
        (
            {"p": ["images/1.png", "masks/1.png"], "q": ["images/2.png", "masks/2.png"]},
            {"keep_masks": True},
            "",
        ),
    ],
)
def test_folders_that_hold_the_same_folders(tree, settings, images, fields, message):
    if not message:
        guards.check_subfolders(tree(**images), settings(**fields))
        return
    with pytest.raises(UserError) as error:
        guards.check_subfolders(tree(**images), settings(**fields))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "names",
    [("Benign", "benign"), ("STRASSE", "a", "Straße"), ("ä", unicodedata.normalize("NFD", "ä"))],
)
def test_classes_that_are_one_but_for_case_or_normal_form(names):
    with pytest.raises(UserError, match=rf"{names[0]!r} and {names[-1]!r} are the same but for"):
        guards.check_distinct(Path("root"), names)


def test_classes_that_differ(tree):
    guards.check_distinct(Path("root"), ("benign", "benign 2", "malignant"))


def test_a_set_of_one_class(tree):
    error = guards.too_few(tree(a=["1.png"], b=["1.png"]), ["a"])
    assert "found: a, b, of which data.classes wants a" in str(error)
    assert str(guards.too_few(tree(), [])).endswith("found: none")


def test_a_folder_that_is_a_class_itself(tree, tmp_path, make_images):
    make_images(tmp_path, "1.png", "2.png")
    error = str(guards.too_few(tree(), []))
    assert error.endswith(
        "found: none. 2 images in it, in no folder: if they are of one class, give the folder that "
        "holds it and the others; if they are of several, a table that names the class of each "
        "(--config.data.table='<table>.csv')"
    )
