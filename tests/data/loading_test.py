import concurrent.futures
import dataclasses
import errno
import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import cache_folder, decode, decoding, formats, loading
from synthmed_jax.data.facts import UNREADABLE
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
    monkeypatch.setattr(formats, "open_image", lambda *args: pytest.fail("decoded again"))
    again = loading.load_images(data)
    assert isinstance(again.images.images, np.memmap)
    assert not again.images.images.flags.writeable
    np.testing.assert_array_equal(again.images.images, first.images.images)
    assert (again.images.files, again.data_hash) == (first.images.files, first.data_hash)
    np.testing.assert_array_equal(again.facts.rows, first.facts.rows)


def test_every_setting_that_matters_has_its_own_array(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    shapes = [
        loading.load_images(settings(dir=str(tmp_path), **change)).images.images.shape
        for change in ({}, {"image_size": 4}, {"channels": 1})
    ]
    assert shapes == [(2, 8, 8, 3), (2, 4, 4, 3), (2, 8, 8, 1)]
    assert len(list((settings().cache / "arrays").glob("*.u8"))) == 3
    for number, change in enumerate(
        ({"square": "crop"}, {"slices": "first"}, {"max_pixels": 36}, {"window": "0,200"}), start=4
    ):
        loading.load_images(settings(dir=str(tmp_path), **change))
        assert len(list((settings().cache / "arrays").glob("*.u8"))) == number, change


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
    kept = np.array(first)
    (array,) = (settings().cache / "arrays").glob("*.u8")
    array.unlink()  # what is mapped stays whole
    array.write_bytes(kept.tobytes()[:150])
    again = loading.load_images(settings(dir=str(tmp_path))).images.images
    np.testing.assert_array_equal(again, kept)


def test_an_array_without_its_listing_is_not_served(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    first = np.array(loading.load_images(settings(dir=str(tmp_path))).images.images)
    (array,) = (settings().cache / "arrays").glob("*.u8")
    array.with_suffix(".json").unlink()  # as of a run that was killed between the two
    array.unlink()
    array.write_bytes(bytes(first.size))
    again = loading.load_images(settings(dir=str(tmp_path))).images.images
    np.testing.assert_array_equal(again, first)


def test_unreadable_files_are_skipped_and_named(tmp_path, settings, make_images):
    make_images(tmp_path, *(f"{name}/{i:02d}.png" for name in "ab" for i in range(20)))
    broken = {"a/01.png": b"", "b/00.png": b"text", "b/03.png": b"\x89PNG\r\n"}
    for file, content in broken.items():
        (tmp_path / file).write_bytes(content)
    for _ in range(2):  # decoded, then from the cache
        loaded = loading.load_images(settings(dir=str(tmp_path)))
        assert loaded.unreadable == tuple(broken)
        assert [(each.class_name, each.reason) for each in loaded.left_out] == [
            *(("a", UNREADABLE), ("b", UNREADABLE), ("b", UNREADABLE))
        ]
        assert all(each.detail for each in loaded.left_out)
        assert len(loaded.images.files) == 37
        assert not set(broken) & set(loaded.images.files)
        assert loaded.images.images.shape[0] == len(loaded.images.labels) == 37
        position = loaded.images.files.index("b/02.png")
        colour = np.asarray(Image.open(tmp_path / "b/02.png"))[0, 0]
        np.testing.assert_array_equal(loaded.images.images[position, 0, 0], colour)
        assert loaded.images.labels[position] == 1


@pytest.mark.parametrize(("total", "limit"), [(30, 3), (50, 5), (600, 6)])
def test_limit_of_unreadable_files_of_a_class(tmp_path, settings, make_images, total, limit):
    names = [f"a/{i:03d}.png" for i in range(total)]
    # Another class's readable files do not make up for it.
    make_images(tmp_path, *names, *(f"b/{i:03d}.png" for i in range(60)))
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


def test_twelve_bits_in_files_of_sixteen_use_the_whole_scale(tmp_path, settings):
    values = np.full((8, 8), 2048, np.uint16)
    values[0] = 4095
    values[1] = 0
    for row, file in enumerate(("a/1.png", "b/1.png"), start=2):
        (tmp_path / file).parent.mkdir()
        values[row] = 100  # two contents: one under two labels is refused
        Image.fromarray(values).save(tmp_path / file)
    for _ in range(2):  # decoded, then from the cache
        loaded = loading.load_images(settings(dir=str(tmp_path)))
        assert loaded.images.images[0, [0, 1, 4], 0, 0].tolist() == [255, 0, 128]
        (scale,) = loaded.grey_scales
        assert (scale.kind, scale.low, scale.high) == ("16-bit", 0, 4095)


def test_colours_are_known_before_they_are_lost(tmp_path, settings):
    grey, red = np.full((6, 6, 3), 99, np.uint8), np.full((6, 6, 3), [99, 9, 9], np.uint8)
    for file, pixels in (("a/1.png", grey), ("b/1.png", red)):
        (tmp_path / file).parent.mkdir()
        Image.fromarray(pixels).save(tmp_path / file)
    for channels in (1, 3):
        loaded = loading.load_images(settings(dir=str(tmp_path), channels=channels))
        assert loaded.facts.rows["coloured"].tolist() == [False, True]


def test_a_file_is_had_as_it_is_on_disk(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    loaded = loading.load_images(settings(dir=str(tmp_path)))
    assert loaded.content_of("b/1.png") == (tmp_path / "b/1.png").read_bytes()
    assert loaded.patients is None


@pytest.mark.parametrize("full", ["disk", "quota"])
def test_a_full_disk_is_said_and_a_run_with_room_goes_on(
    tmp_path, settings, make_images, monkeypatch, full
):
    decode_all = decoding.decode_all

    def fill(stored, class_names, how, stream):
        if full == "quota":
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        with open("/dev/full", "wb") as device:
            return decode_all(stored, class_names, how, device)

    make_images(tmp_path / "data", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "data"))
    monkeypatch.setattr(decoding, "decode_all", fill)
    with pytest.raises(
        UserError, match=rf"{data.cache}/arrays has no room .* set --config\.data\.cache_dir"
    ):
        loading.load_images(data)
    assert not list((data.cache / "arrays").iterdir())
    monkeypatch.undo()
    assert len(loading.load_images(data).images) == 2


def test_other_errors_of_the_disk_stay_as_they_are(tmp_path, settings, make_images, monkeypatch):
    def fail(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    make_images(tmp_path / "data", "a/1.png", "b/1.png")
    monkeypatch.setattr(decoding, "decode_all", fail)
    with pytest.raises(PermissionError):
        loading.load_images(settings(dir=str(tmp_path / "data")))


def test_others_may_read_the_cache(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path))
    loading.load_images(data)
    paths = list((data.cache / "arrays").iterdir())
    assert sorted(path.suffix for path in paths) == [".json", ".npy", ".u8"]
    assert len({path.stat().st_mode for path in paths}) == 1


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


def test_a_disk_that_is_full_at_the_listing_is_a_sentence(
    tmp_path, settings, make_images, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    make_images(tmp_path / "data", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "data"))
    monkeypatch.setattr(loading.Listing, "write", full)
    with pytest.raises(UserError, match=r"no room for .* set --config\.data\.cache_dir"):
        loading.load_images(data)
    monkeypatch.undo()
    assert len(loading.load_images(data).images) == 2


def test_a_cache_that_can_not_be_written_is_read(tmp_path, settings, make_images, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    make_images(tmp_path / "data", "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path / "data"))
    first = loading.load_images(data)
    monkeypatch.setattr(cache_folder.tempfile, "TemporaryFile", refuse)
    again = loading.load_images(data)
    np.testing.assert_array_equal(again.images.images, first.images.images)
    with pytest.raises(
        UserError, match=r"written \(Permission denied\), and these images are not .* wants them"
    ):
        loading.load_images(dataclasses.replace(data, image_size=4))
    make_images(tmp_path / "data", "a/2.png", seed=5)
    with pytest.raises(UserError, match=r"no copy of these images is in it: set --config\."):
        loading.load_images(data)


def _damaged(content: bytes, how: str) -> bytes:
    if how == "flipped":
        return content[: len(content) // 2] + b"\x7f" + content[len(content) // 2 + 1 :]
    return content[: len(content) // 2] if how == "cut" else b""


@pytest.mark.parametrize("how", ["empty", "cut", "flipped", "gone"])
def test_whatever_is_damaged_in_the_cache_is_made_anew(tmp_path, settings, make_images, how):
    root, kept = tmp_path / "images", tmp_path / "kept"
    make_images(root, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    data = settings(dir=str(root))
    cache = data.cache
    expected = np.array(loading.load_images(data).images.images)
    shutil.copytree(cache, kept)
    files = [path.relative_to(cache) for path in cache.rglob("*") if path.is_file()]
    assert len(files) >= 5
    for file in files:
        # With the array a prepared copy is not asked for.
        for folder in (None, "arrays"):
            shutil.rmtree(cache)
            shutil.copytree(kept, cache)
            if folder is not None:
                shutil.rmtree(cache / folder)
            if not (cache / file).exists():
                continue
            if how == "gone":
                (cache / file).unlink()
            else:
                (cache / file).write_bytes(_damaged((cache / file).read_bytes(), how))
            pixels = loading.load_images(data).images.images
            np.testing.assert_array_equal(pixels, expected, str(file))


def test_of_runs_that_want_the_same_images_one_decodes_them(
    tmp_path, settings, make_images, monkeypatch
):
    make_images(tmp_path, "a/1.png", "b/1.png")
    decode_all, decoded = decoding.decode_all, []

    def slow(*arguments):
        decoded.append(arguments)
        time.sleep(0.3)
        return decode_all(*arguments)

    monkeypatch.setattr(decoding, "decode_all", slow)
    wanted = settings(dir=str(tmp_path))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        sets = list(pool.map(loading.load_images, [wanted] * 3))
    assert len(decoded) == 1
    for each in sets[1:]:
        np.testing.assert_array_equal(each.images.images, sets[0].images.images)
