import numpy as np
import pytest

from synthmed_jax.data.sets import medmnist_file
from synthmed_jax.data.sets.listing import ImageFile
from synthmed_jax.errors import UserError

FILES = [ImageFile(f"{part}/{k}/{k:06d}.png", k) for part in ("test", "val") for k in (0, 1)]


def write(path, **arrays):
    path.parent.mkdir(exist_ok=True)
    labels = {f"{part}_labels": np.arange(2) for part in medmnist_file.PARTS}
    np.savez(path, **labels, **arrays)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_equal_images_have_equal_hashes_in_whatever_part(tmp_path, order):
    test = np.asarray(np.arange(24).reshape(2, 3, 4), np.uint8, order)
    val = np.asarray(np.stack([test[1], test[0] + 1]), np.uint8, order)
    path = write(tmp_path / "a.npz", test_images=test, val_images=val)
    hashes = medmnist_file.hash_images(path, FILES)
    assert list(hashes) == [each.file for each in FILES]
    one, two, three, four = hashes.values()
    assert two == three
    assert len({one, two, four}) == 3


def test_an_array_that_is_cut_off_is_named(tmp_path):
    path = write(tmp_path / "a.npz", test_images=np.zeros((2, 30, 40), np.uint8))
    content = path.read_bytes()
    (tmp_path / "b.npz").write_bytes(content.replace(b"(2, 30, 40)", b"(2, 60, 40)"))
    with pytest.raises(UserError, match=r"b\.npz: the array test_images can't be read \("):
        medmnist_file.hash_images(tmp_path / "b.npz", FILES[:2])


def test_arrays_in_a_folder_of_images_are_named_with_what_reads_them(tmp_path):
    assert medmnist_file.propose(tmp_path) == ""
    path = write(tmp_path / "drawnmnist.npz")
    np.savez(tmp_path / "mine.npz", np.zeros((3, 3)))
    (tmp_path / "text.NPZ").write_text("no archive")
    assert medmnist_file.propose(tmp_path) == (
        " drawnmnist.npz: images and labels in one file, as MedMNIST has them; "
        f"--config.data.name=medmnist --config.data.dir={path} reads it. mine.npz, text.NPZ: "
        "arrays; those of your own belong into class folders, <class>/<file>.npz, with one array "
        "each."
    )
