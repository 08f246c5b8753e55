"""Reads the pickles inside torch's files, and runs no code that they ask for.

Python's pickle can call anything. Here it may make tensors, tuples and dicts with names, and name
types of numbers; whatever else it asks for ends the reading.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import pickletools
from typing import Any, BinaryIO, ClassVar, NamedTuple

import ml_dtypes
import numpy as np

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


class Storage(NamedTuple):
    """A named run of numbers in the file."""

    key: str
    dtype: np.dtype
    size: int


_NOWHERE = Storage("", np.dtype(np.float32), 0)


@dataclasses.dataclass
class Tensor:
    """A view of a storage: first number, shape, and strides in numbers.

    torch 0.1 made an empty tensor first and then set its parts.
    """

    storage: Storage = _NOWHERE
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


def _rebuild_tensor(*parts: Any) -> Tensor:
    return Tensor(*parts[:4])  # Since torch 0.4 gradients and hooks follow.


def _size(shape: tuple[int, ...]) -> tuple[int, ...]:
    if type(shape) is not tuple:  # which would be copied at every use
        raise pickle.UnpicklingError("a size of an unknown kind")
    return shape


def _rebuild_parameter(tensor: Tensor, *_: Any) -> Tensor:
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

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, count, *views = pid
        if kind != "storage" or not isinstance(dtype, _DType) or not isinstance(key, str):
            raise pickle.UnpicklingError("a storage of an unknown kind")
        if any(view is not None for view in views):
            raise pickle.UnpicklingError("a storage that is a part of another")
        return Storage(key, np.dtype(dtype.dtype), int(count))

    def load_empty_dict(self) -> None:
        self.stack.append(_Named())

    def load_build(self) -> None:
        """Sets nothing but a tensor's parts; a module's state dict has versions of its layers."""
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


def read_pickle(file: BinaryIO) -> Any:
    """Reads one pickle, from where the file stands: dicts by name, tuples, lists, Tensors, numbers.

    Raises pickle.UnpicklingError for what no state dict needs, and whatever damage leads to.
    """
    start = file.tell()
    for _ in pickletools.genops(file):  # What says to be longer than the file ends here.
        pass
    size = file.tell() - start
    file.seek(start)
    return _Unpickler(io.BytesIO(file.read(size))).load()
