import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from synthmed_jax.data import contact_sheet
from synthmed_jax.data.image_set import ImageSet

MOST = contact_sheet.COLUMNS * contact_sheet.ROWS


@given(st.integers(0, 300), st.integers(2, 60))
def test_chosen_images_are_evenly_spaced_and_the_ends_are_among_them(count, most):
    indices = np.arange(count) * 3
    chosen = contact_sheet.choose(indices, most)
    assert len(chosen) == min(count, most)
    if count:
        assert (chosen[0], chosen[-1]) == (indices[0], indices[-1])
    gaps = np.diff(chosen)
    assert (gaps > 0).all()
    assert not gaps.size or gaps.max() - gaps.min() <= 3  # one place


def test_few_images_are_all_chosen():
    assert contact_sheet.choose(np.array([4, 7, 9]), 3).tolist() == [4, 7, 9]
    assert contact_sheet.choose(np.arange(11), 3).tolist() == [0, 5, 10]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "rows"), [(1, 1), (8, 1), (9, 2), (MOST, 5)])
def test_a_sheet_has_a_tile_for_each_image(count, rows, channels):
    levels = np.linspace(0, 200, count * channels).astype(np.uint8)
    images = np.broadcast_to(levels.reshape(count, 1, 1, channels), (count, 4, 4, channels))
    sheet = contact_sheet.draw(images)
    assert sheet.dtype == np.uint8
    height, width = sheet.shape[0] // rows, sheet.shape[1] // contact_sheet.COLUMNS
    for place in range(rows * contact_sheet.COLUMNS):
        row, column = divmod(place, contact_sheet.COLUMNS)
        middle = sheet[row * height + height // 2, column * width + width // 2]
        expected = images[place, 0, 0] if place < count else np.array([255])
        np.testing.assert_array_equal(middle, np.broadcast_to(expected, 3))


def test_pixels_are_shown_as_squares():
    board = np.array([[0, 200], [200, 0]], np.uint8).reshape(1, 2, 2, 1)
    sheet = contact_sheet.draw(board)
    tile = sheet[4:116, 4:116, 0]
    assert set(np.unique(tile)) == {0, 200}
    assert (tile[:56, :56] == 0).all()
    assert (tile[:56, 56:] == 200).all()


def test_every_class_has_a_picture_and_a_list_of_its_files(tmp_path):
    labels = np.array([0] * 100 + [1] * 2, np.int32)
    files = tuple(f"{'良性' if label == 0 else 'b'}/{i:03d}.png" for i, label in enumerate(labels))
    pixels = np.arange(102, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(4, 1).repeat(4, 2)
    images = ImageSet(pixels, labels, files, ("良性", "b"))
    paths = contact_sheet.draw_all(images, tmp_path / "check")
    assert paths == [tmp_path / "check" / name for name in ("class1.png", "class2.png")]
    with Image.open(paths[0]) as many, Image.open(paths[1]) as few:
        assert many.size[0] == few.size[0]
        assert many.size[1] > 4 * few.size[1]
    lines = (tmp_path / "check" / "class1.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + MOST
    assert lines[:2] == ["class\t良性", "1\t良性/000.png"]
    assert lines[-1] == f"{MOST}\t良性/099.png"
    second = (tmp_path / "check" / "class2.txt").read_text(encoding="utf-8")
    assert second == "class\tb\n1\tb/100.png\n2\tb/101.png\n"


def test_sheets_of_classes_that_are_gone_are_removed(tmp_path):
    for name in ("class3.png", "class3.txt", "classes.txt", "class4.jpg"):
        (tmp_path / name).touch()
    images = ImageSet(np.zeros((1, 4, 4, 1), np.uint8), np.zeros(1, np.int32), ("a/1",), ("a",))
    contact_sheet.draw_all(images, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"class1.png", "class1.txt", "classes.txt", "class4.jpg"}
