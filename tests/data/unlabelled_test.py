"""Images from outside, prepared as a run's own are; what can't be used is named."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import decode, unlabelled
from synthmed_jax.data.facts import GreyScale
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError

HOW = DataSettings("folder", "", "", 8, 1, "pad", "", 0, 0)
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 20), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)


def write(folder, name, pixels):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_files_become_what_the_runs_own_images_are(tmp_path):
    write(tmp_path, "grey.png", GREY)
    write(tmp_path, "sub/colour.png", COLOUR)
    files, left_out = unlabelled.list_files(tmp_path)
    assert (files, left_out) == (["grey.png", "sub/colour.png"], [])
    read = unlabelled.read_files(tmp_path, files, HOW, ())
    assert (read.files, read.left_out, read.num_eight_bit) == (tuple(files), (), 2)
    for image, file in zip(read.images, files, strict=True):
        whole = decode.decode_image((tmp_path / file).read_bytes(), 1)
        np.testing.assert_array_equal(image, decode.fit_image(whole, 8, "pad"))


@pytest.mark.parametrize("square", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pixels", [GREY, GREY[:, :, None], COLOUR])
def test_an_array_and_its_file_are_the_same_image(pixels, channels, square, tmp_path):
    how = dataclasses.replace(HOW, channels=channels, square=square)
    write(tmp_path, "a.png", pixels.squeeze())
    (of_file,) = unlabelled.read_files(tmp_path, ["a.png"], how, ()).images
    of_array = unlabelled.prepare_array(pixels, how)
    assert of_array.shape == (8, 8, channels)
    np.testing.assert_array_equal(of_array, of_file)


@pytest.mark.parametrize(
    "image",
    [
        GREY.astype(np.float32) / 255,
        GREY.astype(np.int64),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_an_array_of_unknown_meaning_is_refused(image):
    with pytest.raises(UserError, match="an image must be uint8 with the shape"):
        unlabelled.prepare_array(image, HOW)


def test_files_that_give_no_image_are_named_with_their_reasons(tmp_path):
    write(tmp_path, "good.png", GREY)
    write(tmp_path, "deep.png", GREY.astype(np.uint16) * 200)
    (tmp_path / "bad.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("words")
    np.save(tmp_path / "stack.npy", np.stack([GREY, GREY]))
    files, others = unlabelled.list_files(tmp_path)
    read = unlabelled.read_files(tmp_path, [*files, "gone.png"], HOW, ())
    assert read.files == ("good.png",)
    reasons = {each.file: (each.reason, each.detail) for each in (*others, *read.left_out)}
    assert set(reasons) == {
        "bad.png", "deep.png", "empty.png", "gone.png", "notes.txt", "stack.npy",
    }  # fmt: skip
    assert "they are 16-bit, those of the run are 8-bit" in reasons["deep.png"][1]
    assert reasons["stack.npy"][0] == unlabelled.STACK
    assert "holds 2" in reasons["stack.npy"][1]
    assert reasons["empty.png"][1] == "no bytes in the file"
    assert reasons["notes.txt"][0] == "no image by its ending (.txt)"


def test_deep_files_get_the_black_and_white_of_the_runs_own(tmp_path):
    values = np.array([[0, 1000], [2000, 3000]], np.uint16)
    write(tmp_path, "a.png", values)
    own = (GreyScale("float", 0.0, 1.0, ""), GreyScale("16-bit", 1000.0, 2000.0, ""))
    how = dataclasses.replace(HOW, image_size=2)
    read = unlabelled.read_files(tmp_path, ["a.png"], how, own)
    assert read.num_eight_bit == 0
    np.testing.assert_array_equal(read.images[0, :, :, 0], [[0, 0], [255, 255]])
    # A window of the settings is the run's too.
    how = dataclasses.replace(how, window="0,3000")
    read = unlabelled.read_files(tmp_path, ["a.png"], how, (GreyScale("all files", 0, 3000, ""),))
    np.testing.assert_array_equal(read.images[0, :, :, 0], [[0, 85], [170, 255]])


def test_the_wanted_images_of_a_stack_are_named_by_their_numbers(tmp_path):
    np.save(tmp_path / "stack.npy", np.stack([GREY, GREY + 1, GREY + 2]))
    how = dataclasses.replace(HOW, slices="all")
    read = unlabelled.read_files(tmp_path, ["stack.npy"], how, ())
    assert read.files == ("stack.npy#0000", "stack.npy#0001", "stack.npy#0002")
    assert len(read.images) == 3


def test_no_file_is_no_image_and_no_folder_an_error(tmp_path):
    assert unlabelled.read_files(tmp_path, [], HOW, ()).images.shape == (0, 8, 8, 1)
    with pytest.raises(UserError, match="nowhere is no folder"):
        unlabelled.list_files(tmp_path / "nowhere")


def test_parts_are_the_whole_in_order():
    files = [str(i) for i in range(5)]
    assert list(unlabelled.in_parts(files, 2)) == [["0", "1"], ["2", "3"], ["4"]]
