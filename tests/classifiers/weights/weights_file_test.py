"""Files of weights, and through them the pickles that they hold (torch_pickle).

weights/ holds one state dict, written by torch 2.13 in its two formats, and by safetensors.
"""

import collections
import contextlib
import os
import pathlib
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed_jax.classifiers.weights.weights_file import read_state_dict
from synthmed_jax.errors import UserError

FOLDER = pathlib.Path(__file__).parent / "files"
FILES = ("torch.pth", "torch_older.pth", "torch.safetensors")


class Evil:
    """What an attacker would write."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def as_zip(path, data):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)


def as_older(path, data):
    path.write_bytes(
        b"".join(
            pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
        )
        + data
    )


@pytest.mark.parametrize("name", FILES)
def test_what_torch_wrote_is_read(name):
    found = read_state_dict(FOLDER / name)
    expected = {
        "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
        "bias": np.array([0.5, -1.25], np.float32),
        "first": np.array([0.0, 1.0]),
        "second": np.array([[2.0, 3.0], [4.0, 5.0]]),
        "half": np.array([1.5, -2.0], np.float16),
        "num_batches_tracked": np.array(7),
    }
    np.testing.assert_array_equal(found.pop("brain").astype(np.float32), [3.0, 0.25])
    assert set(found) == set(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype


# How torch 0.1 and 0.2 wrote a tensor, before _rebuild_tensor_v2.
OLD_TENSORS = {
    "built": b"ctorch\nFloatTensor\n)\x81%sb",
    "rebuilt": b"ctorch._utils\n_rebuild_tensor\n%sR",
}


def old_file(path, tensor, module=b"torch", view=b"N"):
    """A state dict of one tensor of 2 x 3 as Python 2 pickled it, from the third of 8 numbers."""
    storage = b"(S'storage'\nc%s\nFloatStorage\nS'7'\nS'cpu'\nI8\n%stQ" % (module, view)
    parts = b"(%sI2\n(I2\nI3\nt(I3\nI1\ntt" % storage
    items = b"(](](S'weight'\n%seet" % (OLD_TENSORS[tensor] % parts)
    found = b"\x80\x02ccollections\nOrderedDict\n%sR}S'_metadata'\n}sb." % items
    numbers = struct.pack("<q8f", 8, *range(8))
    as_older(path, found + pickle.dumps(["7"], 2) + numbers)


@pytest.mark.parametrize("tensor", OLD_TENSORS)
@pytest.mark.parametrize("module", [b"torch", b"torch.cuda"])
def test_the_first_torches_are_read(tmp_path, tensor, module):
    # torchvision's VGGs are of 2017. torch 2.13 reads this file too, to the same numbers.
    old_file(tmp_path / "w.pth", tensor, module)
    (found,) = read_state_dict(tmp_path / "w.pth").items()
    assert found[0] == "weight"
    np.testing.assert_array_equal(found[1], np.arange(2.0, 8.0).reshape(2, 3))
    assert found[1].dtype == np.float32


def test_a_part_of_a_storage_is_refused_not_misread(tmp_path):
    old_file(tmp_path / "w.pth", "rebuilt", view=b"(S'9'\nI4\nI8\nt")
    with pytest.raises(UserError, match="a storage that is a part of another"):
        read_state_dict(tmp_path / "w.pth")


@pytest.mark.parametrize("write", [as_zip, as_older])
def test_code_in_a_file_is_never_run(tmp_path, write):
    path, trace = tmp_path / "weights.pth", tmp_path / "was_here"
    evil = pickle.dumps(collections.OrderedDict(weight=Evil(trace)), 2)
    write(path, evil)
    with pytest.raises(UserError, match=r"weights\.pth can't be read.*mkdir, and no code is run"):
        read_state_dict(path)
    assert not trace.exists()
    pickle.loads(evil)  # the file would have
    assert trace.exists()


@pytest.mark.parametrize(
    "call", ["builtins.eval", "torch._utils._rebuild_xla_tensor", "torch.load", "os.system"]
)
def test_nothing_else_can_be_named(tmp_path, call):
    module, _, name = call.rpartition(".")
    as_zip(tmp_path / "w.pth", f"c{module}\n{name}\n(S'1'\ntR.".encode())
    with pytest.raises(UserError, match=f"asks for {call}"):
        read_state_dict(tmp_path / "w.pth")


def test_types_of_numbers_can_not_be_called(tmp_path):
    as_zip(tmp_path / "w.pth", b"ctorch\nFloatStorage\n(I99\ntR.")
    with pytest.raises(UserError, match="can't be read as weights"):
        read_state_dict(tmp_path / "w.pth")


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path, name, share):
    whole = (FOLDER / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match="can't be read as weights"):
        read_state_dict(path)


@pytest.mark.parametrize("name", FILES)
def test_a_byte_that_is_wrong_anywhere_breaks_nothing(tmp_path, name):
    whole = (FOLDER / name).read_bytes()
    path = tmp_path / name
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(UserError):
            assert all(isinstance(array, np.ndarray) for array in read_state_dict(path).values())


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_breaks_nothing(tmp_path, name, data):
    found = bytearray((FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        found[data.draw(st.integers(0, len(found) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(found)
    with contextlib.suppress(UserError):
        assert all(isinstance(array, np.ndarray) for array in read_state_dict(path).values())


@pytest.mark.parametrize("entry", ["byteorder", "data.pkl", "data/0"])
def test_nothing_compressed_is_unpacked(tmp_path, entry):
    bomb = tmp_path / "w.pth"
    with zipfile.ZipFile(FOLDER / "torch.pth") as whole, zipfile.ZipFile(bomb, "w") as archive:
        for info in whole.infolist():
            if info.filename.endswith(f"/{entry}"):
                archive.writestr(info.filename, bytes(10**6), zipfile.ZIP_DEFLATED)
            else:
                archive.writestr(info.filename, whole.read(info))
    assert bomb.stat().st_size < 10**4
    with pytest.raises(UserError, match=f"its {entry} is compressed"):
        read_state_dict(bomb)


@pytest.mark.parametrize("write", [as_zip, as_older])
@pytest.mark.parametrize("put", [b"r" + (2**31).to_bytes(4, "little"), b"p4294967296\n"])
def test_to_remember_by_a_large_number_costs_nothing(tmp_path, write, put):
    # Python's usual reader makes a list of that length.
    path = tmp_path / "w.pth"
    write(path, b"\x80\x02}" + put + b"." + pickle.dumps([], 2))
    tracemalloc.start()
    assert read_state_dict(path) == {}
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize("write", [as_zip, as_older])
def test_names_that_take_for_ever_to_hash_are_refused(tmp_path, write):
    nested = ()
    for _ in range(60):
        nested = (nested, nested)
    evil = pickle.dumps([nested, nested], 2)[:-1]  # less the code that ends it
    path = tmp_path / "w.pth"
    for names in (
        b"}" + evil + b"0(" + evil + b"Nu.",
        b"(" + evil + b"Nd.",
        b"(" + evil + b"\x91.",
    ):
        write(path, names)
        with pytest.raises(UserError, match="can't be read as weights"):
            read_state_dict(path)


def test_what_is_named_often_is_not_copied_as_often(tmp_path):
    # A list of ten thousand, as a size and as a dict's items: a gigabyte if each were a copy.
    numbers = pickle.dumps([["w", 0]] * 10_000, 2)[:-1]
    for call in (b"ctorch\nSize\n", b"ccollections\nOrderedDict\n"):
        text = numbers + b"q\xffq\xff" + b"0]" + (call + b"h\xff\x85Ra") * 10_000 + b"."
        as_zip(tmp_path / "w.pth", text)
        tracemalloc.start()
        with pytest.raises(UserError, match=r"size of an unknown kind|something else than tensors"):
            read_state_dict(tmp_path / "w.pth")
        assert tracemalloc.get_traced_memory()[1] < 5 * 10**7
        tracemalloc.stop()


def test_attributes_are_set_on_nothing(tmp_path):
    text = b"\x80\x02ctorch._utils\n_rebuild_parameter\nN}U\x0c__defaults__K\x01s\x86b."
    as_zip(tmp_path / "w.pth", text)
    with pytest.raises(UserError, match="it sets attributes"):
        read_state_dict(tmp_path / "w.pth")


def test_something_else_than_a_state_dict(tmp_path):
    as_zip(tmp_path / "w.pth", pickle.dumps({"epoch": 3, "lr": 0.1}, 2))
    with pytest.raises(UserError, match="something else than tensors by name"):
        read_state_dict(tmp_path / "w.pth")


def test_a_view_that_overlaps_itself_is_refused(tmp_path):
    # 10^12 numbers out of four: strides of zero.
    text = (
        b"}S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\n"
        b"S'cpu'\nI4\ntQI0\n(I1000000\nI1000000\nt(I0\nI0\ntI00\nNtRs."
    )
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("a/data.pkl", text)
        archive.writestr("a/data/0", bytes(16))
    with pytest.raises(UserError, match="'w' has gaps"):
        read_state_dict(tmp_path / "w.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.pth: no such file"):
        read_state_dict(tmp_path / "none.pth")


def test_entries_that_overlap_are_not_read_as_often(tmp_path):
    """An archive whose entries each begin one header later, and all end at the end of the file."""
    count, headers = 300, []
    content = bytes(10_000)
    for number in reversed(range(count)):  # each header lies before those that it holds
        name = f"w/data/{number:03d}".encode()
        crc = zlib.crc32(content)
        sizes = struct.pack("<III", crc, len(content), len(content))
        header = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 0, 0, 0) + sizes
        headers.append((len(content), name, sizes))
        content = header + struct.pack("<HH", len(name), 0) + name + content
    directory = b""
    for length, name, sizes in headers:
        start = len(content) - length - 30 - len(name)
        directory += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 0) + sizes
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, start) + name
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(content), 0)
    path = tmp_path / "w.pth"
    path.write_bytes(content + directory + b"PK\x05\x06" + end)
    with pytest.raises(UserError, match="its entries are larger than the file"):
        read_state_dict(path)


def test_a_text_of_an_old_pickle_is_read_without_a_warning(tmp_path):
    as_zip(tmp_path / "w.pth", b"S'\\Z'\n.")
    with pytest.raises(UserError, match="something else than tensors by name"):
        read_state_dict(tmp_path / "w.pth")
