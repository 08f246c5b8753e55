import errno

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import decode, loading
from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.errors import UserError


def test_loads_in_order_of_the_paths(tmp_path, settings, make_images):
    make_images(tmp_path, "b/1.png", "a/2.png", "a/1.png", "a/10.png")
    loaded = loading.load_images(settings(dir=str(tmp_path))).images
    assert loaded.files == ("a/1.png", "a/10.png", "a/2.png", "b/1.png")
    assert loaded.labels.dtype == np.int32
    assert loaded.labels.tolist() == [0, 0, 0, 1]
    assert loaded.images.shape == (4, 8, 8, 3)
    assert loaded.images.dtype == np.uint8
    for image, file in zip(loaded.images, loaded.files, strict=True):
        colour = np.asarray(Image.open(tmp_path / file))[0, 0]
        np.testing.assert_array_equal(image, np.broadcast_to(colour, (8, 8, 3)))


def test_decoded_once_and_mapped(tmp_path, settings, make_images, monkeypatch):
    make_images(tmp_path, "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path))
    first = loading.load_images(data)
    monkeypatch.setattr(decode, "decode_image", lambda *args: pytest.fail("decoded again"))
    again = loading.load_images(data)
    assert isinstance(again.images.images, np.memmap)
    np.testing.assert_array_equal(again.images.images, first.images.images)
    assert (again.images.files, again.data_hash) == (first.images.files, first.data_hash)


def test_every_setting_that_matters_has_its_own_array(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    shapes = [
        loading.load_images(settings(dir=str(tmp_path), **change)).images.images.shape
        for change in ({}, {"image_size": 4}, {"channels": 1})
    ]
    assert shapes == [(2, 8, 8, 3), (2, 4, 4, 3), (2, 8, 8, 1)]


def test_changed_file_is_decoded_anew(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    before = loading.load_images(settings(dir=str(tmp_path)))
    make_images(tmp_path, "a/1.png", seed=1)
    after = loading.load_images(settings(dir=str(tmp_path)))
    assert after.data_hash != before.data_hash
    assert (after.images.images[0] != before.images.images[0]).any()


def test_new_decoder_version_decodes_anew(tmp_path, settings, make_images, monkeypatch):
    make_images(tmp_path, "a/1.png", "b/1.png")
    loading.load_images(settings(dir=str(tmp_path)))
    monkeypatch.setattr(decode, "DECODE_VERSION", decode.DECODE_VERSION + 1)
    monkeypatch.setattr(decode, "fit_image", lambda *args: np.full((8, 8, 3), 77, np.uint8))
    assert (loading.load_images(settings(dir=str(tmp_path))).images.images == 77).all()


def test_cut_off_array_is_written_anew(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    first = loading.load_images(settings(dir=str(tmp_path))).images.images
    (array,) = (settings().cache / "arrays").glob("*.npy")
    array.write_bytes(array.read_bytes()[:150])
    again = loading.load_images(settings(dir=str(tmp_path))).images.images
    assert again.shape == first.shape


def test_unreadable_files_are_skipped_and_named(tmp_path, settings, make_images):
    make_images(tmp_path, *(f"{name}/{i}.png" for name in "ab" for i in range(4)))
    for file, content in {"a/1.png": b"", "b/0.png": b"text", "b/3.png": b"\x89PNG\r\n"}.items():
        (tmp_path / file).write_bytes(content)
    for _ in range(2):  # decoded, then from the cache
        loaded = loading.load_images(settings(dir=str(tmp_path)))
        assert loaded.unreadable == ("a/1.png", "b/0.png", "b/3.png")
        assert loaded.images.files == ("a/0.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png")
        assert loaded.images.images.shape[0] == len(loaded.images.labels) == 5
        colour = np.asarray(Image.open(tmp_path / "b/2.png"))[0, 0]
        np.testing.assert_array_equal(loaded.images.images[4, 0, 0], colour)


@pytest.mark.parametrize(("total", "limit"), [(20, 5), (700, 7)])
def test_limit_of_unreadable_files(tmp_path, settings, make_images, total, limit):
    names = [f"{'ab'[i % 2]}/{i:03d}.png" for i in range(total)]
    make_images(tmp_path, *names)
    for name in names[:limit]:
        (tmp_path / name).write_bytes(b"broken")
    assert len(loading.load_images(settings(dir=str(tmp_path))).unreadable) == limit
    (tmp_path / names[limit]).write_bytes(b"broken")
    with pytest.raises(UserError, match=names[limit]):
        loading.load_images(settings(dir=str(tmp_path)))
    assert not list((settings().cache / "arrays").glob(".*"))  # no temporary file stays


def test_class_without_a_readable_image(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    (tmp_path / "b/1.png").write_bytes(b"broken")
    with pytest.raises(UserError, match="no readable image in class b"):
        loading.load_images(settings(dir=str(tmp_path)))


def test_twelve_bits_in_files_of_sixteen_are_said_so(tmp_path, settings):
    for file in ("a/1.png", "b/1.png"):
        (tmp_path / file).parent.mkdir()
        Image.fromarray(np.full((6, 6), 4095, np.uint16)).save(tmp_path / file)
    with pytest.raises(UserError, match=r"nearly black: the brightest pixel of all is 16 of 255"):
        loading.load_images(settings(dir=str(tmp_path)))
    Image.fromarray(np.full((6, 6), 4095 * 16, np.uint16)).save(tmp_path / "b/1.png")
    assert loading.load_images(settings(dir=str(tmp_path))).images.images.max() == 255


def test_colours_that_are_lost_are_said(tmp_path, settings, capsys):
    said = "have colours, and are made grey: --config.data.channels=3"
    grey, red = np.full((6, 6, 3), 99, np.uint8), np.full((6, 6, 3), [99, 9, 9], np.uint8)
    for name, pixels, channels in (("grey", grey, 1), ("red", red, 1), ("kept", red, 3)):
        for file in ("a/1.png", "b/1.png"):
            (tmp_path / name / file).parent.mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / name / file)
        loading.load_images(settings(dir=str(tmp_path / name), channels=channels))
        assert (said in capsys.readouterr().out) == (name == "red")


def test_a_full_disk_is_an_error_before_anything_is_decoded(
    tmp_path, settings, make_images, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    make_images(tmp_path / "data", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "data"))
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(UserError, match=r"no room for .* set config\.data\.cache_dir"):
        loading.load_images(data)
    monkeypatch.undo()
    assert len(loading.load_images(data).images) == 2


def test_others_may_read_the_cache(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path))
    loading.load_images(data)
    modes = {path.stat().st_mode for path in (data.cache / "arrays").iterdir()}
    assert len(modes) == 1


def test_phantoms_arrive_as_drawn(settings):
    loaded = loading.load_images(
        settings(name="phantom", image_size=16, channels=1, phantom_images=2)
    ).images
    assert len(loaded) == 8
    image, _ = phantom_drawing.draw(0, 3, 1, 16)
    np.testing.assert_array_equal(
        loaded.images[loaded.files.index("pituitary/00001.png"), ..., 0], image
    )


def test_real_images(settings, real_data):
    data = settings(name="sarscov2_ct", dir=str(real_data), channels=1, image_size=16)
    loaded = loading.load_images(data)
    assert np.bincount(loaded.images.labels).tolist() == [1252, 1229]
    assert loaded.unreadable == ()
    assert loaded.images.images[:100].std() > 10
