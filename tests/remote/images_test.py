"""A remote folder of images: only what is new comes here, and nothing is written there."""

import pytest

from synthmed_jax import litter
from synthmed_jax.data import records
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.remote import address, images
from synthmed_jax.remote.store import Store
from tests.remote import faulty

FILES = {"benign/1.png": b"one", "benign/2.png": b"two", "malignant/x/3.png": b"three"}


@pytest.fixture
def store(url):
    store = Store(url)
    for name, content in FILES.items():
        store.write(name, content)
    faulty.CALLS.clear()
    return store


def fetch(store, cache):
    return images.fetch(store.address, cache, "data.dir")


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def moved():
    """Names of what was fetched since; nothing else may have been done."""
    names = {name.rpartition("/run/")[2] for what, name in faulty.CALLS if what == "download"}
    assert len(faulty.CALLS) == len(names)
    faulty.CALLS.clear()
    return names


def test_only_what_is_new_or_changed_is_fetched(store, tmp_path):
    root = fetch(store, tmp_path)
    assert contents(root) == FILES
    assert moved() == set(FILES)
    assert fetch(store, tmp_path) == root
    assert moved() == set()
    store.write("benign/1.png", b"ONE")  # of the same size
    store.write("benign/4.png", b"four")
    store.remove(["malignant/x/3.png"])
    faulty.CALLS.clear()
    fetch(store, tmp_path)
    assert moved() == {"benign/1.png", "benign/4.png"}
    assert contents(root) == {
        "benign/1.png": b"ONE", "benign/2.png": b"two", "benign/4.png": b"four",
    }  # fmt: skip
    assert not (root / "malignant").exists()  # it would be a class


def test_what_was_lost_here_is_fetched_again(store, tmp_path):
    root = fetch(store, tmp_path)
    (root / "benign" / "1.png").unlink()
    (root / "benign" / "2.png").write_bytes(b"cut")
    (root / "benign" / "2.png").write_bytes(b"cu")
    moved()
    fetch(store, tmp_path)
    assert moved() == {"benign/1.png", "benign/2.png"}
    assert contents(root) == FILES


def test_a_fetch_that_is_broken_off_goes_on(store, tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_BATCH", 1)
    real = Store.download
    calls = []

    def download(self, pairs):
        calls.append(pairs)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(self, pairs)

    monkeypatch.setattr(Store, "download", download)
    with pytest.raises(KeyboardInterrupt):
        fetch(store, tmp_path)
    moved()
    assert contents(fetch(store, tmp_path)) == FILES
    assert moved() == {"malignant/x/3.png"}


def test_a_single_file_is_fetched_as_one(url, tmp_path):
    Store(url).write("pneumonia.npz", b"arrays")
    path = images.fetch(f"{url}/pneumonia.npz", tmp_path, "data.dir")
    assert path.name == "pneumonia.npz"
    assert path.read_bytes() == b"arrays"


@pytest.mark.parametrize("name", ["../outside.png", "a/../../b.png"])
def test_names_that_would_lie_elsewhere_are_refused(store, tmp_path, name, monkeypatch):
    found = store.find()
    monkeypatch.setattr(Store, "find", lambda self: found | {name: found["benign/1.png"]})
    with pytest.raises(UserError, match="can't be the name of a file here"):
        fetch(store, tmp_path)
    assert list(tmp_path.rglob("*.png")) == []


def test_a_name_of_a_file_and_a_folder_is_refused(store, tmp_path, monkeypatch):
    found = store.find()
    monkeypatch.setattr(Store, "find", lambda self: found | {"benign": found["benign/1.png"]})
    with pytest.raises(UserError, match="'benign' is a file and a folder"):
        fetch(store, tmp_path)


def test_a_folder_without_files_is_refused(url, tmp_path):
    with pytest.raises(UserError, match=r"^data\.dir=faulty://.* holds no file"):
        images.fetch(url, tmp_path, "data.dir")


def test_a_data_set_is_read_from_an_address_as_from_a_folder(url, tmp_path):
    from PIL import Image

    store = Store(url)
    for label, name in enumerate(("benign", "malignant")):
        for number in range(2):
            path = tmp_path / "local" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 40 * label + number).save(path)
            store.write(f"{name}/{number}.png", path.read_bytes())
    opened = [
        records.open_records(
            DataSettings("folder", where, "", 8, 1, "pad", str(tmp_path / "cache"), 1, 0)
        )
        for where in (str(tmp_path / "local"), url)
    ]
    assert opened[0].data_hash == opened[1].data_hash
    assert [row.content for row in opened[0]] == [row.content for row in opened[1]]
    place = address.place_of(tmp_path / "cache", "data", url)
    assert place.is_dir()


def test_two_that_fetch_at_once_on_a_disk_without_locks_do_not_mix_files(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(litter, "_try_lock", lambda file, how: False)
    monkeypatch.setattr(images, "_BATCH", 2)
    download, others = Store.download, iter([True])

    def beside_another(self, pairs):
        download(self, pairs)
        if next(others, False):  # before the first files take their places
            assert contents(fetch(store, tmp_path)) == FILES

    monkeypatch.setattr(Store, "download", beside_another)
    assert contents(fetch(store, tmp_path)) == FILES
