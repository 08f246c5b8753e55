import numpy as np
import pytest

from synthmed_jax.data import kept_duplicates, near_duplicates
from tests.data.scenes import scenes


@pytest.fixture
def images():
    images = scenes(40, 32)
    images[39] = images[0]
    images[38] = np.roll(images[1], 1, axis=0)
    return images


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("threshold", "twins", "components", "pairs", "alike")
    )


def test_they_are_looked_for_once(images, tmp_path, monkeypatch):
    found = kept_duplicates.find(images, np.arange(38), tmp_path / "set")
    assert len(found.pairs) > 0
    again = near_duplicates.find
    monkeypatch.setattr(near_duplicates, "find", lambda *_: pytest.fail("looked for again"))
    assert same(found, kept_duplicates.find(images, np.arange(38), tmp_path / "set"))
    monkeypatch.setattr(near_duplicates, "find", again)
    kept_duplicates.find(images, np.arange(37), tmp_path / "set")
    assert len(list(tmp_path.iterdir())) == 2  # another reference, another threshold


def test_a_long_search_is_announced(images, monkeypatch, capsys):
    kept_duplicates.find(images, np.arange(38), None)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(kept_duplicates, "_MANY", 39)
    kept_duplicates.find(images, np.arange(38), None)
    assert "each of 40 images is compared with every other one" in capsys.readouterr().out


def test_the_time_of_a_million_images_is_that_of_a_day():
    assert "in about 1667 minutes" in kept_duplicates._said_before(1_000_000)


def test_a_damaged_file_is_made_anew(images, tmp_path, capsys):
    found = kept_duplicates.find(images, np.arange(38), tmp_path / "set")
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0.", b"1.", 1))
    assert same(found, kept_duplicates.find(images, np.arange(38), tmp_path / "set"))
    assert "looked for anew" in capsys.readouterr().out
    assert path.read_bytes() == whole


def test_where_nothing_can_be_kept_they_are_found_all_the_same(images, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    stem = tmp_path / "file" / "set"
    found = kept_duplicates.find(images, np.arange(38), stem)
    assert same(found, kept_duplicates.find(images, np.arange(38), None))
    assert "can't be kept" in capsys.readouterr().out
