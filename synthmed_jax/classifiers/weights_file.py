"""Reads a state dict from a file, torch's or safetensors', without torch.

torch writes Python's pickle, which can call anything. Here it may make tensors, tuples and dicts
with names, and name types of numbers; whatever else it asks for ends the reading.
"""

from __future__ import annotations

import dataclasses
import io
import math
import pathlib
import pickle
import pickletools
import struct
import zipfile
from typing import Any, BinaryIO, ClassVar, NamedTuple

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


class _DType(NamedTuple):
    """The type of a storage's numbers: a value, so that nothing can be called through it."""

    dtype: Any


class _Storage(NamedTuple):
    """A named run of numbers in the file."""

    key: str
    dtype: np.dtype
    size: int


_NOWHERE = _Storage("", np.dtype(np.float32), 0)


@dataclasses.dataclass
class _Tensor:
    """A view of a storage: first number, shape, and strides in numbers.

    torch 0.1 made an empty tensor first and then set its parts.
    """

    storage: _Storage = _NOWHERE
    first: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


class _Named(dict[str, Any]):
    """A dict by names: to hash tuples that share tuples that share tuples takes for ever."""

    def __init__(self, items: list[list[Any]] | None = None) -> None:
        """Takes the items out of Python 2's list: nothing is copied as often as it is named."""
        super().__init__()
        for name, value in items or ():
            self[name] = value
        if items:
            items.clear()

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise pickle.UnpicklingError(f"it uses a {type(name).__name__} as a name")
        super().__setitem__(name, value)


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
        reason = str(error) or type(error).__name__
        raise UserError(
            f"{path} can't be read as weights: {reason}. It must be a state dict that torch.save "
            "wrote, or a .safetensors file, and complete"
        ) from error


def _rebuild_tensor(*parts: Any) -> _Tensor:
    return _Tensor(*parts[:4])  # Since torch 0.4 gradients and hooks follow.


def _size(shape: tuple[int, ...]) -> tuple[int, ...]:
    if type(shape) is not tuple:  # which would be copied at every use
        raise pickle.UnpicklingError("a size of an unknown kind")
    return shape


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


_EXTENSIONS = (pickle.EXT1, pickle.EXT2, pickle.EXT4)
_CALLABLE = {
    "collections.OrderedDict": _Named,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _rebuild_tensor,  # Until torch 0.3: torchvision's VGGs.
    **{f"torch.{name.replace('Storage', 'Tensor')}": _Tensor for name in _DTYPES},
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
}


class _Unpickler(pickle._Unpickler):
    """Calls nothing but what a state dict needs.

    Python's reader that is written in Python: its steps can be replaced, and what it is told to
    remember by a large number costs nothing.
    """

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch}
    stack: list[Any]

    def find_class(self, module: str, name: str) -> Any:
        if module in ("torch", "torch.cuda") and name in _DTYPES:
            return _DType(_DTYPES[name])
        if f"{module}.{name}" not in _CALLABLE:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and no code is run")
        return _CALLABLE[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *views = pid
        if kind != "storage" or not isinstance(dtype, _DType) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage of an unknown kind")
        if any(view is not None for view in views):
            raise pickle.UnpicklingError("a storage that is a part of another")
        return _Storage(key, np.dtype(dtype.dtype), int(count))

    def load_empty_dict(self) -> None:
        self.stack.append(_Named())

    def load_build(self) -> None:
        """Sets nothing but a tensor's parts; a module's state dict has versions of its layers."""
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, _Tensor):
            built.storage, built.first, built.shape, built.strides = state
        elif not isinstance(built, _Named):
            raise pickle.UnpicklingError("it sets attributes")

    def load_other(self) -> None:
        raise pickle.UnpicklingError("it holds what torch does not write: sets, extensions")

    dispatch[pickle.EMPTY_DICT[0]] = load_empty_dict
    dispatch[pickle.BUILD[0]] = load_build
    for code in (pickle.DICT, pickle.EMPTY_SET, pickle.FROZENSET, *_EXTENSIONS):
        dispatch[code[0]] = load_other


def _unpickle(file: BinaryIO) -> Any:
    """Reads one pickle, from where the file stands."""
    start = file.tell()
    for _ in pickletools.genops(file):  # What says to be longer than the file ends here.
        pass
    size = file.tell() - start
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
        keys = {storage.key for storage in _storages(found)}
        return _arrays(found, {key: read(f"data/{key}") for key in keys})


def _read_older(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol, system, found, keys = (_unpickle(file) for _ in range(5))
    if (magic, protocol) != (_MAGIC, _PROTOCOL) or not system["little_endian"]:
        raise ValueError("it is not a little-endian file of torch")
    storages = {storage.key: storage for storage in _storages(found)}
    data = {}
    for key in keys:
        if not isinstance(key, str):
            raise ValueError("its storages have no names")
        (count,) = struct.unpack("<q", file.read(8))
        data[key] = file.read(count * storages[key].dtype.itemsize)
    return _arrays(found, data)


def _storages(found: Any) -> list[_Storage]:
    if not isinstance(found, dict) or not all(isinstance(v, _Tensor) for v in found.values()):
        raise ValueError("it holds something else than tensors by name")
    storages = []
    for name, tensor in found.items():
        numbers = (tensor.first, *tensor.shape, *tensor.strides)
        known = isinstance(tensor.storage, _Storage)
        if not known or not all(type(number) is int for number in numbers):
            raise ValueError(f"{name!r} is a tensor of an unknown kind")
        storages.append(tensor.storage)
    return storages


def _arrays(found: dict[str, _Tensor], data: dict[str, bytes]) -> dict[str, np.ndarray]:
    return {name: _array(name, tensor, data) for name, tensor in found.items()}


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
    in_bytes = [stride * step for stride in strides]
    return np.lib.stride_tricks.as_strided(own, shape, in_bytes, writeable=False)
