import shutil

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import external, held_out
from synthmed_jax.errors import UserError
from tests.data.scenes import scenes

NAMES = ("covid", "normal", "other")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"covid": "covid", "normal": "normal", "other": "other"}),
        (
            "normal=healthy, other=-,covid=COVID-19",
            {"covid": "COVID-19", "normal": "healthy", "other": "-"},
        ),
        (
            'covid=a=b,"normal=c, d",other=normal',
            {"covid": "a=b", "normal": "c, d", "other": "normal"},
        ),
    ],
)
def test_each_class_has_its_folder(text, expected):
    found = external.parse_classes(text, NAMES)
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("covd=a,normal=b,other=c", ["'covd'", "did you mean 'covid'"]),
        ("covid=a,normal=b", ["does not name class 'other'", "other=-"]),
        ("covid=a,normal=b,other=c,covid=d", ["class 'covid' twice"]),
        ("covid=a,normal=a,other=c", ["folder 'a' for two classes"]),
        ("covid=a,normal=,other=c", ["no folder for class 'normal'"]),
        ("covid,normal=b,other=c", ["no folder for class 'covid'"]),
        ("covid=a,normal=-,other=-", ["fewer than two classes"]),
    ],
)
def test_a_map_that_is_not_one_is_refused(text, words):
    with pytest.raises(UserError) as refused:
        external.parse_classes(text, NAMES)
    for word in ["config.evaluate.external_classes", repr(text), *words]:
        assert word in str(refused.value)


def draw(root, names, count=6, seed=0, dtype=np.uint8, top=256):
    rng = np.random.default_rng(seed)
    for name in names:
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(top // 4, top, (8, 8)).astype(dtype)
            Image.fromarray(pixels).save(root / name / f"{number}.png")


@pytest.fixture
def own(tmp_path, settings):
    """The run's own settings and images, of three classes."""
    draw(tmp_path / "own", NAMES)
    how = settings(dir=str(tmp_path / "own"))
    return how, held_out.open_data_set(how)


def test_the_same_pixels_under_the_runs_labels(tmp_path, own):
    how, data = own
    draw(tmp_path / "tree", ("z", "a", "spare"), seed=1)
    (tmp_path / "tree" / "a" / "notes.txt").write_text("no image")
    tree = external.open_tree(str(tmp_path / "tree"), "covid=z,normal=a,other=-", how, data)
    assert tree.images.class_names == NAMES
    assert tree.images.files[:2] == ("a/0.png", "a/1.png")
    assert tree.images.labels.tolist() == [1] * 6 + [0] * 6
    with Image.open(tmp_path / "tree" / "z" / "3.png") as image:
        np.testing.assert_array_equal(tree.images.images[9, :, :, 0], np.asarray(image))
    assert tree.left_out == {
        "no image by its ending (.txt)": 1,
        "not among evaluate.external_classes": 6,
    }
    again = external.open_tree(str(tmp_path / "tree"), "covid=a,normal=z,other=-", how, data)
    assert again.digest != tree.digest
    moved = shutil.copytree(tmp_path / "tree", tmp_path / "elsewhere")
    assert (
        external.open_tree(str(moved), "covid=z,normal=a,other=-", how, data).digest == tree.digest
    )


def test_images_that_are_alike_are_of_one_group(tmp_path, settings):
    """By a threshold that comes from the tree, and in the order of its images."""
    how = settings(dir=str(tmp_path / "own"), image_size=32)
    draw(tmp_path / "own", NAMES)
    own = scenes(12, 32)
    shifted = np.roll(own[2], 1, axis=1)
    for number, pixels in enumerate([*own, shifted]):
        path = tmp_path / "tree" / ("z", "a")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(path)
    data = held_out.open_data_set(how)
    tree = external.open_tree(str(tmp_path / "tree"), "covid=z,normal=a,other=-", how, data)
    groups = tree.group("near_duplicates").numbers
    same = [file for file, group in zip(tree.images.files, groups, strict=True)
            if (groups == group).sum() > 1]  # fmt: skip
    assert same == ["z/12.png", "z/2.png"]
    by_name = tree.group("^(\\d)")
    assert len(np.unique(by_name.numbers)) == 10
    assert tree.group("none").numbers is None


def test_the_runs_own_images_are_refused(tmp_path, own):
    how, data = own
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(UserError, match=r"is data\.dir"):
        external.open_tree(str(tmp_path / "link"), "", how, data)
    shutil.copytree(tmp_path / "own", tmp_path / "copy")
    with pytest.raises(UserError, match="own images, file by file"):
        external.open_tree(str(tmp_path / "copy"), "", how, data)
    (tmp_path / "copy" / "covid" / "0.png").unlink()
    assert len(external.open_tree(str(tmp_path / "copy"), "", how, data).images) == 17


@pytest.mark.parametrize(
    ("folders", "classes", "words"),
    [
        (("covid", "normal"), "", ["lacks the classes: other", "--config.evaluate.external_cl"]),
        ((*NAMES, "scan"), "", ["no classes of this run: scan"]),
        (("Covid", "normal", "other"), "", ["no classes of this run: Covid", "lacks", "covid"]),
        ((*NAMES, "train"), "", ["train (by name a part of a set)"]),
        (
            NAMES,
            "covid=covd,normal=normal,other=other",
            ["external_classes='covd'", "did you mean 'covid'"],
        ),
        ((), "", ["no folder", "config.evaluate.external_dir="]),
    ],
)
def test_a_tree_of_other_classes_is_refused(tmp_path, own, folders, classes, words):
    how, data = own
    draw(tmp_path / "tree", folders, seed=1)
    with pytest.raises(UserError) as refused:
        external.open_tree(str(tmp_path / "tree"), classes, how, data)
    for word in words:
        assert word in str(refused.value)


def test_identical_files_under_two_labels_are_left_out(tmp_path, own):
    how, data = own
    draw(tmp_path / "tree", NAMES, seed=1)
    shutil.copy(tmp_path / "tree" / "covid" / "0.png", tmp_path / "tree" / "normal" / "9.png")
    tree = external.open_tree(str(tmp_path / "tree"), "", how, data)
    assert np.bincount(tree.images.labels).tolist() == [5, 6, 6]
    assert sum(tree.left_out.values()) == 2


def test_black_and_white_are_the_runs_values(tmp_path, settings):
    """The tree's own scale would make its darker images as light as the run's."""
    draw(tmp_path / "own", NAMES, dtype=np.uint16, top=4096)
    draw(tmp_path / "tree", NAMES, seed=1, dtype=np.uint16, top=2048)
    draw(tmp_path / "plain", NAMES)
    how = settings(dir=str(tmp_path / "own"))
    data = held_out.open_data_set(how)
    (scale,) = data.grey_scales
    tree = external.open_tree(str(tmp_path / "tree"), "", how, data)
    with Image.open(tmp_path / "tree" / "covid" / "0.png") as image:
        values = np.asarray(image).astype(float)
    grey = np.clip((values - scale.low) / (scale.high - scale.low), 0, 1) * 255
    np.testing.assert_allclose(tree.images.images[0, :, :, 0], grey, atol=1)
    assert tree.note == ""
    eight_bits = external.open_tree(str(tmp_path / "plain"), "", how, data)
    assert "is not known" in eight_bits.note
    with pytest.raises(UserError, match="save them as 8-bit"):
        external.open_tree(
            str(tmp_path / "tree"), "", how, held_out.open_data_set(
                settings(dir=str(tmp_path / "plain"))
            )
        )  # fmt: skip
