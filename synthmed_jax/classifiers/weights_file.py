"""Reads a state dict from a file, torch's or safetensors', without torch.

torch writes Python's pickle, which can call anything. Here it may call two functions of this file
and OrderedDict, and name types of numbers; whatever else it asks for ends the reading.
"""

from __future__ import annotations

import collections
import io
import math
import pathlib
import pickle
import pickletools
import struct
import zipfile
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from synthmed_jax.errors import UserError

# torch's older format: five pickles, of which the first two are these numbers, then the storages.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
_MEMOS = ("PUT", "LONG_BINPUT")  # opcodes that remember an object by a number of any size


class _DType(NamedTuple):
    """The type of a storage's numbers: a value, so that nothing can be called through it."""

    dtype: Any


class _Storage(NamedTuple):
    """A named run of numbers in the file."""

    key: str
    dtype: np.dtype
    size: int


class _Tensor(NamedTuple):
    """A view of a storage: first number, shape, and strides in numbers."""

    storage: _Storage
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays of a .safetensors file, or of one that torch.save wrote, by name.

    Raises:
      UserError: no such file, a damaged one, or one that is not a plain state dict.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.numpy.load_file(path))
        read = _read_zip if zipfile.is_zipfile(path) else _read_older
        with path.open("rb") as file:
            return read(file)
    except Exception as error:  # a damaged file can make its reader raise anything
        raise UserError(
            f"{path} can't be read as weights: {error or type(error).__name__}. It must be a state "
            "dict that torch.save wrote, or a .safetensors file, and complete"
        ) from error


def _rebuild_tensor(
    storage: _Storage, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(storage, first, shape, strides)


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


class _Unpickler(pickle.Unpickler):
    """Calls nothing but what a state dict needs."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DType(_DTYPES[name])
        allowed = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and no code is run")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *_ = pid
        if kind != "storage" or not isinstance(dtype, _DType) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage of an unknown kind")
        return _Storage(key, np.dtype(dtype.dtype), int(count))


def _unpickle(file: BinaryIO) -> Any:
    """Reads one pickle, from where the file stands."""
    start = file.tell()
    # A memo's index is the length of a list that is made for it, at once: of 64 GB, if it says so.
    codes = [(code.name, argument) for code, argument, _ in pickletools.genops(file)]
    size = file.tell() - start
    if any(name in _MEMOS and int(index or 0) > size for name, index in codes):
        raise pickle.UnpicklingError("it remembers more than it holds")
    file.seek(start)
    return _Unpickler(io.BytesIO(file.read(size))).load()


def _read_zip(file: BinaryIO) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}

        def read(name: str) -> bytes:
            entry = archive.getinfo(names[name])
            # torch compresses nothing, and what is compressed may be a thousand times as large.
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its {name} is compressed")
            return archive.read(entry)

        if "byteorder" in names and read("byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        found = _unpickle(io.BytesIO(read("data.pkl")))
        return _arrays(found, {s.key: read(f"data/{s.key}") for s in _storages(found)})


def _read_older(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol, system, found, keys = (_unpickle(file) for _ in range(5))
    if (magic, protocol) != (_MAGIC, _PROTOCOL) or not system["little_endian"]:
        raise ValueError("it is not a little-endian file of torch")
    storages = {storage.key: storage for storage in _storages(found)}
    data = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        data[key] = file.read(count * storages[key].dtype.itemsize)
    return _arrays(found, data)


def _storages(found: Any) -> list[_Storage]:
    if not isinstance(found, dict) or not all(isinstance(v, _Tensor) for v in found.values()):
        raise ValueError("it holds something else than tensors by name")
    return [tensor.storage for tensor in found.values()]


def _arrays(found: dict[str, _Tensor], data: dict[str, bytes]) -> dict[str, np.ndarray]:
    return {str(name): _array(name, tensor, data) for name, tensor in found.items()}


def _array(name: str, tensor: _Tensor, data: dict[str, bytes]) -> np.ndarray:
    numbers = np.frombuffer(data[tensor.storage.key], tensor.storage.dtype)
    first, shape, strides = tensor.first, tensor.shape, tensor.strides
    # Where dimensions of one element have been left out, strides must be those of some order of
    # the axes without gaps: then the view has no more numbers than the storage.
    axes = sorted((stride, size) for stride, size in zip(strides, shape, strict=True) if size != 1)
    for i, (stride, _) in enumerate(axes):
        if stride != math.prod(size for _, size in axes[:i]):
            raise ValueError(f"{name!r} has gaps")
    if first < 0 or min(shape, default=1) < 0 or first + math.prod(shape) > len(numbers):
        raise ValueError(f"{name!r} is cut short")
    own = numbers[first : first + math.prod(shape)]
    step = own.dtype.itemsize
    return np.lib.stride_tricks.as_strided(own, shape, [stride * step for stride in strides]).copy()
