"""Reads the pickles inside torch's files, and runs no code that they ask for.

Python's pickle lets a file call any function. Here it can make tensors, tuples, lists and dicts
with string keys, and can name types of numbers; if it asks for anything else, reading ends.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import pickletools
from collections.abc import Sequence
from typing import Any, BinaryIO, ClassVar, NamedTuple

import ml_dtypes
import numpy as np

_DTYPES: dict[str, type[np.generic]] = {
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
    """The type of a storage's numbers; wrapped, because a pickle could call the type itself."""

    dtype: type[np.generic]


class Storage(NamedTuple):
    """Consecutive numbers in the file, under a name.

    Attributes:
      key: the name.
      dtype: of the numbers.
      size: how many there are.
    """

    key: str
    dtype: np.dtype
    size: int


_NOWHERE = Storage("", np.dtype(np.float32), 0)


@dataclasses.dataclass
class Tensor:
    """A view of a storage.

    It can be changed because files of torch 0.1 make an empty tensor and then set its parts.

    Attributes:
      storage: that holds the numbers.
      first: index of the first number in the storage.
      shape: of the tensor.
      strides: steps along each axis, in numbers, not bytes.
    """

    storage: Storage = _NOWHERE
    first: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


class _Named(dict[str, object]):
    """A dict with no keys but strings.

    Hashing a tuple whose items share tuples, and so on, takes exponential time: as a key, a tuple
    of a few hundred bytes would keep the process busy for ever.
    """

    def __init__(self, items: list[list[object]] | None = None) -> None:
        """Moves the items, [key, value] each, out of a list, as Python 2 pickled an OrderedDict.

        The list is emptied: a file that refers to one long list many times would otherwise get as
        many copies of it.
        """
        super().__init__()
        for name, value in items or ():
            self[name] = value
        if items:
            items.clear()

    def __setitem__(self, name: object, value: object) -> None:
        if not isinstance(name, str):
            raise pickle.UnpicklingError(f"it uses a {type(name).__name__} as a name")
        super().__setitem__(name, value)


def _rebuild_tensor(
    storage: Storage, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> Tensor:
    return Tensor(storage, first, shape, strides)  # Since torch 0.4, gradients and hooks follow.


def _size(shape: tuple[int, ...]) -> tuple[int, ...]:
    if type(shape) is not tuple:  # A list would have to be copied each time it is referred to.
        raise pickle.UnpicklingError("a size of an unknown kind")
    return shape


def _rebuild_parameter(tensor: Tensor, *_: object) -> Tensor:
    return tensor


_EXTENSIONS = (pickle.EXT1, pickle.EXT2, pickle.EXT4)
_CALLABLE = {
    "collections.OrderedDict": _Named,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _rebuild_tensor,  # Until torch 0.3: torchvision's VGGs.
    **{f"torch.{name.replace('Storage', 'Tensor')}": Tensor for name in _DTYPES},
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
}


class _Unpickler(pickle._Unpickler):
    """Calls nothing but what a state dict needs.

    Based on the implementation of pickle in Python, not the one in C: its operations can be
    replaced, and its memo is a dict, not an array as long as the largest number in the file.
    """

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch}
    stack: list[Any]

    def find_class(self, module: str, name: str) -> object:
        if module in ("torch", "torch.cuda") and name in _DTYPES:
            return _DType(_DTYPES[name])
        if f"{module}.{name}" not in _CALLABLE:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and no code is run")
        return _CALLABLE[f"{module}.{name}"]

    def persistent_load(self, pid: Sequence[object]) -> Storage:
        kind, dtype, key, _, count, *views = pid
        if kind != "storage" or not isinstance(dtype, _DType) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage of an unknown kind")
        if any(view is not None for view in views):
            raise pickle.UnpicklingError("a storage that is a part of another")
        if not isinstance(count, int):
            raise pickle.UnpicklingError("a storage of an unknown size")
        return Storage(key, np.dtype(dtype.dtype), count)

    def load_empty_dict(self) -> None:
        self.stack.append(_Named())

    def load_build(self) -> None:
        """Sets a tensor's parts, and drops what a state dict has: the versions of its layers."""
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, Tensor):
            built.storage, built.first, built.shape, built.strides = state
        elif not isinstance(built, _Named):
            raise pickle.UnpicklingError("it sets attributes")

    def load_other(self) -> None:
        raise pickle.UnpicklingError("it holds what torch does not write: sets, extensions")

    dispatch[pickle.EMPTY_DICT[0]] = load_empty_dict
    dispatch[pickle.BUILD[0]] = load_build
    for code in (pickle.DICT, pickle.EMPTY_SET, pickle.FROZENSET, *_EXTENSIONS):
        dispatch[code[0]] = load_other


def read_pickle(file: BinaryIO) -> object:
    """Reads one pickle from a file's position on, which is behind it afterwards.

    Returns:
      Dicts with string keys, tuples, lists, Tensors, strings and numbers.

    Raises:
      pickle.UnpicklingError: it asks for what no state dict needs.
      Exception: of any type, if the file is damaged.
    """
    start = file.tell()
    # An operation that claims more bytes than the file has fails here, before any is allocated.
    for _ in pickletools.genops(file):
        pass
    size = file.tell() - start
    file.seek(start)
    return _Unpickler(io.BytesIO(file.read(size))).load()
