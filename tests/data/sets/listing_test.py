import hashlib

from synthmed_jax.data.sets import listing
from synthmed_jax.data.sets.listing import ImageFile


def test_an_image_is_known_by_its_ending_in_any_case():
    assert all(map(listing.is_image, ("a.png", "a/b.JPG", "x.y.TiF")))
    assert not any(map(listing.is_image, ("a.txt", "png", "a.png.gz", ".png", "a")))


def test_walk_lists_every_depth_in_order_and_nothing_hidden(tmp_path):
    for file in ("b.png", "a/c/d.txt", "a/b.png", ".x/a.png", "a/.b.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert listing.walk_files(tmp_path) == ["a/b.png", "a/c/d.txt", "b.png"]
    assert listing.walk_images(tmp_path) == ["a/b.png", "b.png"]
    assert listing.walk_files(tmp_path / "nowhere") == []


def test_the_hash_is_of_paths_and_contents_in_order_of_the_paths(tmp_path):
    files = [ImageFile("b", 1), ImageFile("a", 0)]
    for file, content in {"a": b"one", "b": b"two"}.items():
        (tmp_path / file).write_bytes(content)
    found = listing.hash_files(tmp_path, files)
    one, two = hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"two").hexdigest()
    # Prepared copies on users' disks are named so: the formula must stay.
    assert found == hashlib.sha256(f"a\0{one}\nb\0{two}\n".encode()).hexdigest()
    assert found == listing.hash_files(tmp_path, files[::-1])
    assert found != listing.content_hash([("a", two), ("b", one)])
    assert found != listing.content_hash([("a", one), ("c", two)])


def test_a_path_that_is_no_text_has_a_hash():
    digest = listing.content_hash([("M\udcfcller.png", "0")])
    assert digest == hashlib.sha256(b"M\xfcller.png\0" + b"0\n").hexdigest()
