"""Python functions that XLA's CPU programs call, by XLA's foreign function interface.

XLA calls a handler with the address of a call frame, C structs of xla/ffi/api/c_api.h. A handler
here is a ctypes function that reads the addresses of arguments and results from it, at byte offsets
that are written down below: nothing is compiled. jaxlib ships the header, so that they can be
checked before anything is read (`differences`).
"""

from __future__ import annotations

import ctypes
import functools
import pathlib
from collections.abc import Callable

import jax

from synthmed_jax.conv import c_header

# Of the header in jaxlib 0.10.0 to 0.12.0.1 (its versions 0.3 to 0.5).
_FRAME_EXTENSION, _FRAME_API, _FRAME_ARGUMENTS, _FRAME_RESULTS = 8, 16, 40, 80
_LIST_SIZE, _LIST_ITEMS, _BUFFER_DATA = 16, 32, 24
_API_ERROR_CREATE, _ERROR_MESSAGE, _ERROR_CODE, _ERROR_INTERNAL = 48, 16, 24, 13
_EXTENSION_TYPE, _EXTENSION_METADATA, _METADATA_EXTENSION = 8, 24, 1
_METADATA_MAJOR, _METADATA_MINOR = 24, 28
# The header's version: a major one that is new may change anything, a minor one adds to the end.
_MAJOR, _MINOR = "XLA_FFI_API_MAJOR", "XLA_FFI_API_MINOR"
LAYOUT = {
    _MAJOR: 0,
    "XLA_FFI_CallFrame.extension_start": _FRAME_EXTENSION,
    "XLA_FFI_CallFrame.api": _FRAME_API,
    "XLA_FFI_CallFrame.args": _FRAME_ARGUMENTS,
    "XLA_FFI_CallFrame.rets": _FRAME_RESULTS,
    "XLA_FFI_Args.size": _LIST_SIZE,
    "XLA_FFI_Args.args": _LIST_ITEMS,
    "XLA_FFI_Rets.size": _LIST_SIZE,
    "XLA_FFI_Rets.rets": _LIST_ITEMS,
    "XLA_FFI_Buffer.data": _BUFFER_DATA,
    "XLA_FFI_Api.XLA_FFI_Error_Create": _API_ERROR_CREATE,
    "XLA_FFI_Error_Create_Args.struct_size": 0,
    "XLA_FFI_Error_Create_Args.extension_start": 8,
    "XLA_FFI_Error_Create_Args.message": _ERROR_MESSAGE,
    "XLA_FFI_Error_Create_Args.errc": _ERROR_CODE,
    "XLA_FFI_Error_Code_INTERNAL": _ERROR_INTERNAL,
    "XLA_FFI_Extension_Metadata": _METADATA_EXTENSION,
    "XLA_FFI_Metadata_Extension.extension_base.type": _EXTENSION_TYPE,
    "XLA_FFI_Metadata_Extension.metadata": _EXTENSION_METADATA,
    "XLA_FFI_Metadata.api_version.major_version": _METADATA_MAJOR,
    "XLA_FFI_Metadata.api_version.minor_version": _METADATA_MINOR,
}

Address = ctypes.c_void_p
_Handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class _ErrorArguments(ctypes.Structure):
    """XLA_FFI_Error_Create_Args."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    )


@functools.cache
def header_layout() -> dict[str, int]:
    """What the running jaxlib's header says (see `c_header.layout`); empty where it has none."""
    path = pathlib.Path(jax.ffi.include_dir(), "xla", "ffi", "api", "c_api.h")
    return (
        c_header.layout(path.read_text(encoding="utf-8", errors="replace"))
        if path.is_file()
        else {}
    )


def differences() -> list[str]:
    """What the running jaxlib's header has elsewhere than LAYOUT, or lacks, by name.

    Where there is something, `register` must not be called: its handlers would read and write at
    wrong addresses.
    """
    header = header_layout()
    moved = [name for name, value in LAYOUT.items() if header.get(name) != value]
    return moved + ([] if _MINOR in header else [_MINOR])


def register(target: str, function: Callable[..., None]) -> object:
    """Registers a function with XLA, for calls by `jax.ffi.ffi_call(target, ...)` on a CPU.

    Args:
      target: the name that programs call it by.
      function: is called with the data's addresses of each argument and then each
        result. A RuntimeError of it becomes an error of the program that called.

    Returns:
      The handler, which the caller must hold on to: XLA keeps its address alone.
    """

    def handle(frame: int) -> int | None:
        extension = _word(frame + _FRAME_EXTENSION)
        if extension and _int(extension + _EXTENSION_TYPE).value == _METADATA_EXTENSION:
            # When it registers a handler, XLA only asks which version of the header it is for.
            metadata = _word(extension + _EXTENSION_METADATA)
            _int(metadata + _METADATA_MAJOR).value = LAYOUT[_MAJOR]
            _int(metadata + _METADATA_MINOR).value = header_layout()[_MINOR]
            return None
        try:
            function(*_buffers(frame + _FRAME_ARGUMENTS), *_buffers(frame + _FRAME_RESULTS))
        except RuntimeError as error:
            return _make_error(_word(frame + _FRAME_API), str(error))
        return None

    handler = _Handler(handle)
    jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(handler), platform="cpu")
    return handler


def _make_error(api: int, message: str) -> int:
    """Makes an error that XLA raises in the calling program; ctypes would drop an exception."""
    create = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(_word(api + _API_ERROR_CREATE))
    arguments = _ErrorArguments(
        ctypes.sizeof(_ErrorArguments), None, message.encode(), _ERROR_INTERNAL
    )
    return int(create(ctypes.addressof(arguments)))


def _buffers(at: int) -> list[Address]:
    """Addresses of the data of a list of arguments or results."""
    items = _word(at + _LIST_ITEMS)
    return [
        Address(_word(_word(items + 8 * i) + _BUFFER_DATA)) for i in range(_word(at + _LIST_SIZE))
    ]


def _word(at: int) -> int:
    return ctypes.c_uint64.from_address(at).value


def _int(at: int) -> ctypes.c_int:
    return ctypes.c_int.from_address(at)
