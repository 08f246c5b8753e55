"""Reads a state dict from a file, torch's two formats or safetensors', without torch."""

from __future__ import annotations

import io
import math
import pathlib
import struct
import warnings
import zipfile
from typing import BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from synthmed_jax.classifiers.weights.torch_pickle import Storage, Tensor, read_pickle
from synthmed_jax.errors import UserError

# torch's older format: five pickles, of which the first two hold these numbers, then the storages.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_NO_TENSORS = "it holds something else than tensors by name"


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
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's on texts of old pickles: no matter here
            return read(file)
    except Exception as error:  # a damaged file can make its reader raise anything
        reason = str(error) or type(error).__name__
        raise UserError(
            f"{path} can't be read as weights: {reason}. It must be a state dict that torch.save "
            "wrote, or a .safetensors file, and complete"
        ) from error


def _read_zip(file: BinaryIO) -> dict[str, np.ndarray]:
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}

        def read(name: str) -> bytes:
            entry = archive.getinfo(names[name])
            # torch compresses nothing; an attacker could, to fill the memory when it is unpacked.
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"its {name} is compressed")
            return archive.read(entry)

        # Entries that lie about each other would be read as often as there are names for them.
        stored = [e for e in archive.infolist() if e.compress_type == zipfile.ZIP_STORED]
        if sum(entry.file_size for entry in stored) > size:
            raise ValueError("its entries are larger than the file")
        if "byteorder" in names and read("byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        tensors = _tensors(read_pickle(io.BytesIO(read("data.pkl"))))
        keys = {tensor.storage.key for tensor in tensors.values()}
        return _arrays(tensors, {key: read(f"data/{key}") for key in keys})


def _read_older(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol, system, state_dict, keys = (read_pickle(file) for _ in range(5))
    little_endian = isinstance(system, dict) and system["little_endian"]
    if (magic, protocol) != (_MAGIC, _PROTOCOL) or not little_endian:
        raise ValueError("it is not a little-endian file of torch")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("its storages have no names")
    tensors = _tensors(state_dict)
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
    data = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        data[key] = file.read(count * dtypes[key].itemsize)
    return _arrays(tensors, data)


def _tensors(state_dict: object) -> dict[str, Tensor]:
    """What was read, if it is a state dict."""
    if not isinstance(state_dict, dict):
        raise ValueError(_NO_TENSORS)
    for name, tensor in state_dict.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(_NO_TENSORS)
        numbers = (tensor.first, *tensor.shape, *tensor.strides)
        known = isinstance(tensor.storage, Storage)
        if not known or not all(type(number) is int for number in numbers):
            raise ValueError(f"{name!r} is a tensor of an unknown kind")
    return state_dict


def _arrays(tensors: dict[str, Tensor], data: dict[str, bytes]) -> dict[str, np.ndarray]:
    return {name: _array(name, tensor, data) for name, tensor in tensors.items()}


def _array(name: str, tensor: Tensor, data: dict[str, bytes]) -> np.ndarray:
    numbers = np.frombuffer(data[tensor.storage.key], tensor.storage.dtype)
    first, shape, strides = tensor.first, tensor.shape, tensor.strides
    # Axes of size 1 aside, the strides must be those of an array without gaps, its axes in some
    # order: then the view has no more numbers than the storage, whatever the file claims.
    axes = sorted((stride, size) for stride, size in zip(strides, shape, strict=True) if size != 1)
    for i, (stride, _) in enumerate(axes):
        if stride != math.prod(size for _, size in axes[:i]):
            raise ValueError(f"{name!r} has gaps")
    if first < 0 or min(shape, default=1) < 0 or first + math.prod(shape) > len(numbers):
        raise ValueError(f"{name!r} is cut short")
    used = numbers[first : first + math.prod(shape)]
    in_bytes = [stride * used.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(used, shape, in_bytes, writeable=False)
