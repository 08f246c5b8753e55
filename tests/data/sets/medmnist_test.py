import shutil

import numpy as np
import pytest

from synthmed_jax.data import decode, loading, records
from synthmed_jax.data.sets import medmnist
from synthmed_jax.errors import UserError

COUNTS = {"train": 5, "val": 3, "test": 4}


def arrays(colour=False, labels=(0, 1), shape=(6, 6)):
    """As MedMNIST's files: images u8[N,6,6] or u8[N,6,6,3], and labels u8[N,1], all parts."""
    rng = np.random.default_rng(0)
    made = {}
    for part, count in COUNTS.items():
        size = (count, *shape, 3) if colour else (count, *shape)
        made[f"{part}_images"] = rng.integers(0, 256, size, np.uint8)
        made[f"{part}_labels"] = np.resize(np.array(labels, np.uint8), (count, 1))
    return made


@pytest.fixture
def make_file(tmp_path):
    """Writes a .npz file and returns its path; keyword arguments replace arrays, None: no array."""

    def make(name="drawnmnist.npz", made=None, **changes):
        made = {**(made or arrays()), **changes}
        path = tmp_path / name
        np.savez_compressed(path, **{k: v for k, v in made.items() if v is not None})
        return path

    return make


def data_of(settings, path, **changes):
    return settings(name="medmnist", dir=str(path), **changes)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_every_image_of_every_part_is_stored_with_its_label(settings, make_file, colour, flat):
    made = arrays(colour)
    if flat:
        made |= {name: of[:, 0] for name, of in made.items() if name.endswith("labels")}
    data = data_of(settings, make_file(made=made), channels=3 if colour else 1)
    stored = records.open_records(data)
    assert stored.class_names == ("0", "1")
    assert [record.file for record in stored] == [
        "test/0/000000.png", "test/0/000002.png", "test/1/000001.png", "test/1/000003.png",
        "train/0/000000.png", "train/0/000002.png", "train/0/000004.png", "train/1/000001.png",
        "train/1/000003.png", "val/0/000000.png", "val/0/000002.png", "val/1/000001.png",
    ]  # fmt: skip
    for record in stored:
        part, name, row = record.file.removesuffix(".png").split("/")
        assert (record.label, stored.class_names[record.label]) == (int(name), name)
        image = made[f"{part}_images"][int(row)].reshape(6, 6, -1)
        np.testing.assert_array_equal(decode.decode_image(record.content, data.channels), image)


def test_more_than_ten_labels_stay_in_their_order(settings, make_file):
    path = make_file(made=arrays(labels=(11, 2, 0, 7)))
    source = medmnist.Medmnist.make_source(data_of(settings, path))
    assert source.class_names == ("00", "02", "07", "11")
    assert source.files == sorted(source.files)
    assert ("train/11/000000.png", 3) in source.files
    assert ("train/11/000004.png", 3) in source.files
    assert ("train/02/000001.png", 1) in source.files


def test_a_folder_may_hold_the_file(settings, make_file, tmp_path):
    path = make_file()
    (tmp_path / "readme.txt").touch()
    of_file, of_folder = (
        medmnist.Medmnist.make_source(data_of(settings, where)) for where in (path, tmp_path)
    )
    assert of_file == of_folder


def test_a_file_is_prepared_once_and_another_anew(settings, make_file, tmp_path, monkeypatch):
    path = make_file()
    data = data_of(settings, path)
    first = records.open_records(data)
    (tmp_path / "elsewhere").mkdir()
    moved = data_of(settings, shutil.copy(path, tmp_path / "elsewhere"))
    with monkeypatch.context() as patch:
        patch.setattr(medmnist, "encode_png", lambda image: pytest.fail("prepared again"))
        assert records.open_records(moved).data_hash == first.data_hash
    images = arrays()["val_images"]
    images[0, 0, 0] ^= 1
    make_file(val_images=images)
    assert records.open_records(data).data_hash != first.data_hash


def test_the_images_reach_the_run(settings, make_file):
    loaded = loading.load_images(data_of(settings, make_file(), image_size=6, channels=1))
    assert loaded.images.images.shape == (12, 6, 6, 1)
    row = loaded.images.files.index("val/1/000001.png")
    np.testing.assert_array_equal(loaded.images.images[row, ..., 0], arrays()["val_images"][1])


def test_a_file_that_changes_while_it_is_read_is_noticed(settings, make_file, monkeypatch):
    data = data_of(settings, make_file())

    def encode(image):
        make_file(made=arrays(labels=(1, 0)))
        return encoded(image)

    encoded = medmnist.encode_png
    with monkeypatch.context() as patch:
        patch.setattr(medmnist, "encode_png", encode)
        with pytest.raises(UserError, match=r"drawnmnist\.npz changed while it was read"):
            records.open_records(data)
    assert len(records.open_records(data)) == 12


VOLUMES = np.zeros((5, 6, 6, 6), np.uint8)
SEVERAL = np.zeros((5, 14), np.uint8)
PICKLED = np.array([{}] * 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val_images": None, "test_labels": None}, "no array test_labels, val_images, which .* it "
         "has train_images, train_labels, val_labels, test_images$"),
        ({"train_labels": SEVERAL}, r"train_labels has the shape \(5, 14\), 14 labels per image"),
        ({"train_images": VOLUMES}, r"train_images has the shape \(5, 6, 6, 6\), .* volumes"),
        ({"train_images": VOLUMES[..., 0] / 1.0}, r"train_images is float64\[5, 6, 6\], and must "),
        ({"train_images": VOLUMES[:, 0, 0]}, r"train_images is uint8\[5, 6\], and must be uint8\["),
        ({"train_labels": np.zeros(4, int)}, "holds 5 images and train_labels 4 labels"),
        ({"train_labels": np.zeros(5)}, r"train_labels is float64\[5\], and must be whole numbers"),
        ({"train_labels": np.full(5, -3)}, "has the label -3, and labels must be 0 or above"),
        ({"train_labels": PICKLED}, r"the array train_labels can't be read \(Object arrays"),
        ({f"{part}_labels": np.ones(n, int) for part, n in COUNTS.items()}, r"found: \[1\]$"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_labelled_images_are_refused(settings, make_file, changes, message):
    path = make_file(**changes)
    with pytest.raises(UserError, match=message) as raised:
        medmnist.Medmnist.make_source(data_of(settings, path))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "data.dir is not set: give a file of MedMNIST's"),
        ("missing", "missing' does not exist: give a file of MedMNIST's"),
        ("missing.npz", "missing.npz' does not exist: give a file of MedMNIST's"),
        ("empty", "empty' must hold one .npz file, found none: give"),
        ("two", "two' must hold one .npz file, found a.npz, b.npz: give"),
        ("text.npz", r"text\.npz can't be read as a \.npz file"),
        ("cut.npz", r"cut\.npz can't be read as a \.npz file"),
        ("zeros.npz", r"zeros\.npz: the array \w+ can't be read"),
    ],
)
def test_a_file_that_is_not_there_or_no_archive_is_refused(
    settings, make_file, tmp_path, given, message
):
    for folder, names in {"empty": (), "two": ("a.npz", "b.npz")}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    (tmp_path / "text.npz").write_text("<html>not found</html>")
    whole = make_file().read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-100])
    (tmp_path / "zeros.npz").write_bytes(bytes(300) + whole[300:])
    with pytest.raises(UserError, match=message):
        medmnist.Medmnist.make_source(data_of(settings, tmp_path / given if given else ""))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("colour", [False, True])
def test_identical_images_under_two_labels(settings, make_file, order, colour):
    made = arrays(colour)
    made["val_images"][1] = made["train_images"][0]  # of class 1, and of class 0
    made["test_images"][2] = made["test_images"][0]  # both of class 0: a copy, and no conflict
    if order == "F":
        made = {name: np.asfortranarray(of) for name, of in made.items()}
    path = make_file(made=made)
    with pytest.raises(UserError, match=r"drawnmnist\.npz: 1 image under two labels") as error:
        records.open_records(data_of(settings, path))
    message = str(error.value)
    assert "  train/0/000000.png (0) = val/1/000001.png (1)\n--config.data.conflicts=dr" in message
    kept = records.open_records(data_of(settings, path, conflicts="keep"))
    assert (len(kept), kept.left_out) == (12, ())
    rest = records.open_records(data_of(settings, path, conflicts="drop"))
    assert [each.file for each in rest.left_out] == ["train/0/000000.png", "val/1/000001.png"]
    assert [r.file for r in rest] == [
        r.file for r in kept if r.file not in {each.file for each in rest.left_out}
    ]
    assert rest.data_hash != kept.data_hash


def test_images_of_another_shape_are_not_the_same(settings, make_file):
    made = arrays(labels=(0,))
    made["val_labels"][:] = 1
    made["val_images"] = made["train_images"][:3].reshape(3, 4, 9)
    assert len(records.open_records(data_of(settings, make_file(made=made)))) == 12
