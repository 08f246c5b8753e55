import errno
import hashlib
import os
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax import checkpoint, files
from synthmed_jax.errors import Damaged
from synthmed_jax.files import (
    check_room,
    is_full_disk,
    read_array,
    read_json,
    sha256,
    sha256_of,
    sha256_of_all,
    write_array,
    write_json,
    write_text,
)
from synthmed_jax.metrics_log import MetricsLog


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_a_name_that_is_no_text_is_written(tmp_path):
    write_text(tmp_path / "x.csv", "Jos\u00e9 M\udcfcller")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == r"José M\udcfcller"


def test_a_file_has_the_hash_of_its_bytes(tmp_path):
    # FIPS 180-2, example B.1.
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    content = bytes(range(256)) * 9999  # more than one piece
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == sha256(content) == hashlib.sha256(content).hexdigest()


def test_an_array_is_read_as_it_was_written(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_array(tmp_path / "deep" / "x.npy", array)
    np.testing.assert_array_equal(np.load(tmp_path / "deep" / "x.npy"), array)
    with pytest.raises(ValueError, match="Object arrays"):
        write_array(tmp_path / "y.npy", np.array([None]))
    assert not (tmp_path / "y.npy").exists()


def test_an_array_says_what_it_was_made_of(tmp_path):
    array = np.arange(6, dtype=np.float32)
    write_array(tmp_path / "x.npy", array, "abc")
    read, made_of = read_array(tmp_path / "x.npy")
    np.testing.assert_array_equal(read, array)
    assert made_of == "abc"
    np.save(tmp_path / "old.npy", array)  # as earlier versions did
    assert read_array(tmp_path / "old.npy")[1] is None


@given(st.data())
def test_a_damaged_array_is_noticed(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "x.npy"
    write_array(path, np.arange(6, dtype=np.float32), "abc")
    content = path.read_bytes()
    sealed = len(content) - len("abc\n")  # the digest behind is compared by who reads it
    if data.draw(st.booleans()):
        place, bit = data.draw(st.integers(0, sealed - 2)), data.draw(st.integers(0, 7))
        path.write_bytes(
            content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
        )
    else:
        path.write_bytes(content[: data.draw(st.integers(0, sealed - 66))])
    try:
        array, _ = read_array(path)
    except Damaged:
        return
    # Cut behind the array it is a file as earlier versions wrote it.
    np.testing.assert_array_equal(array, np.arange(6))


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), True),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), True),
        (RuntimeError(f"write() failed: {os.strerror(errno.ENOSPC)}; at 4096"), True),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), False),
        (RuntimeError("write() failed"), False),
    ],
)
def test_a_full_disk_is_known_by_number_or_by_text(error, full):
    assert is_full_disk(error) == full


def test_room_is_looked_for_before_it_is_taken(tmp_path):
    check_room(tmp_path / "not" / "yet" / "there", 1)
    with pytest.raises(OSError, match="No space left") as raised:
        check_room(tmp_path / "not" / "yet" / "there", 2**62)
    assert raised.value.filename == str(tmp_path / "not" / "yet" / "there")
    assert is_full_disk(raised.value)


def test_an_array_that_another_program_wrote_is_damage(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((5, 6)))
    # Long integers, as Python 2 wrote them: NumPy would read them with a warning.
    path.write_bytes(path.read_bytes().replace(b"(5, 6), }  ", b"(5L, 6L), }"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a user's settings may have it
        with pytest.raises(Damaged, match=r"it is no array \(UserWarning"):
            read_array(path)


def test_a_digest_of_files_tells_changes_and_files_that_are_not_there(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(b"1")
    without = sha256_of_all(paths)
    assert without == sha256(b"1absent")
    paths[1].write_bytes(b"2")
    assert sha256_of_all(paths) == sha256(b"12")
    assert sha256_of_all(paths, b"0") == sha256(b"012")
    assert len({without, sha256_of_all(paths), sha256_of_all(paths, b"0")}) == 3


def test_what_another_process_writes_is_refused_but_for_one_folder(tmp_path):
    root, own = tmp_path / "run", tmp_path / "run" / "synthetic"
    log = MetricsLog(root / "diffusion" / "metrics.jsonl", [])
    with files.written_by_another(root, own, root / "cache"):
        files.write_text(own / "a" / "1.png", "x")
        files.write_text(root / "cache" / "array", "x")
        files.write_text(tmp_path / "cache" / "array", "x")
        for write in (
            lambda: files.write_text(root / "split" / "split.json", "x"),
            lambda: files.write_text(own / ".." / "run.json", "x"),
            lambda: checkpoint.save(root / "diffusion" / "best", 1, {"w": np.zeros(1)}),
            lambda: log.write(step=1),
        ):
            with pytest.raises(RuntimeError, match="is written by the host that leads"):
                write()
    found = {p.name: p.read_text() for p in root.rglob("*") if p.is_file()}
    assert found == {"1.png": "x", "array": "x", "metrics.jsonl": ""}
    files.write_text(root / "split" / "split.json", "x")
