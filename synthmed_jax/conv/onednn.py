"""oneDNN's convolutions inside XLA, on x86-64 Linux: the package `onednn-cpu-gomp`.

PyTorch owes its speed on a CPU to this library, and XLA's CPU backend does without it. It is called
through XLA's foreign function interface: for each shape and direction a handler is registered, a
ctypes function that reads two addresses from XLA's call frame and hands them to oneDNN. Arrays are
not copied, and while oneDNN works, Python's lock is free.

Sources: oneDNN's C API, version 3; xla/ffi/api/c_api.h.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from synthmed_jax import parallel
from synthmed_jax.conv.geometry import Padding

PACKAGE = "onednn-cpu-gomp"


# oneDNN's C enumerations.
_CPU, _F32, _ANY_LAYOUT, _FORWARD_TRAINING, _DIRECT = 1, 3, 1, 64, 1
_IN_ORDER_STREAM = 1
_QUERY_WEIGHTS, _QUERY_DIFF_WEIGHTS, _QUERY_SCRATCHPAD = 131, 132, 136
_USER_SCRATCHPAD = 1
_SRC, _DST, _WEIGHTS, _SCRATCHPAD = 1, 17, 33, 80
_DIFF_SRC, _DIFF_DST, _DIFF_WEIGHTS = 129, 145, 161
_ALLOCATE = ctypes.c_void_p(-1)
_NULL = ctypes.c_void_p(0)

# Byte offsets in xla/ffi/api/c_api.h, API 0.x.
_FFI_VERSION = (0, 3)
_FRAME_EXTENSION, _FRAME_API, _FRAME_ARGS, _FRAME_RETS = 8, 16, 40, 80
_API_ERROR_CREATE, _ERROR_INTERNAL = 48, 13
_EXTENSION_TYPE, _EXTENSION_METADATA, _METADATA_EXTENSION = 8, 24, 1
_METADATA_MAJOR, _METADATA_MINOR = 24, 28
_LIST_SIZE, _LIST_ITEMS, _BUFFER_DATA = 16, 32, 24

_Handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class _ErrorArguments(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    )


class _Argument(ctypes.Structure):
    _fields_ = (("index", ctypes.c_int), ("memory", ctypes.c_void_p))


@functools.cache
def is_available() -> bool:
    """Whether the package is there and can be loaded, and SYNTHMED_ONEDNN=0 was not set."""
    if os.environ.get("SYNTHMED_ONEDNN", "1") == "0":
        return False
    path = _find()
    if path is None:
        return False
    try:
        ctypes.CDLL(path)
    except OSError as error:
        print(
            f"warning: oneDNN's convolutions can't be used, training will be slower: {error} "
            "(Debian, Ubuntu: apt-get install libgomp1; SYNTHMED_ONEDNN=0 ends this warning)",
            file=sys.stderr,
        )
        return False
    return True


def _find() -> str | None:
    """Path of libdnnl, None where the package is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(f.locate()) for f in files if f.name == "libdnnl.so"), None)


def convolve(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D], and its gradients, by oneDNN."""
    return _convolve(x, kernel, strides, pads)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> jax.Array:
    plan = _plan(x.shape, kernel.shape, strides, pads)
    return _call(f"{plan.name}_forward", plan.y_shape, x, kernel)


def _forward(
    x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve(x, kernel, strides, pads), (x, kernel)


def _backward(
    strides: tuple[int, int], pads: Padding, residuals: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    plan = _plan(x.shape, kernel.shape, strides, pads)
    dx = _call(f"{plan.name}_data", x.shape, dy, kernel)
    return dx, _call(f"{plan.name}_weights", kernel.shape, x, dy)


_convolve.defvjp(_forward, _backward)


def _call(target: str, shape: tuple[int, ...], *arrays: jax.Array) -> jax.Array:
    function = jax.ffi.ffi_call(
        target, jax.ShapeDtypeStruct(shape, jnp.float32), vmap_method="sequential"
    )
    return function(*arrays)


class _Primitive(NamedTuple):
    """A primitive, and the layout of the work space that each of its calls needs (None: none)."""

    handle: ctypes.c_void_p
    scratchpad: ctypes.c_void_p | None


class _Library:
    """libdnnl, with an engine, a stream, and the settings that all primitives share."""

    def __init__(self) -> None:
        self._dnnl = ctypes.CDLL(_find())
        self._dnnl.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
        self._dnnl.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
        self.engine = self.make("engine_create", _CPU, ctypes.c_size_t(0))
        self._stream = self.make("stream_create", self.engine, _IN_ORDER_STREAM)
        # Devices run one primitive at the same time: each call brings its own work space, and each
        # device its share of the cores.
        self.attributes = self.make("primitive_attr_create")
        self.check(
            "primitive_attr_set_scratchpad_mode",
            self._dnnl.dnnl_primitive_attr_set_scratchpad_mode(self.attributes, _USER_SCRATCHPAD),
        )
        self._threads = max(1, parallel.available_cores() // parallel.device_count())

    def use_own_cores(self) -> None:
        """Holds the calling thread's OpenMP to its share of the cores."""
        self._dnnl.omp_set_num_threads(self._threads)

    def make(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """Calls a function that makes an object: dnnl_<name>(&object, ...)."""
        made = ctypes.c_void_p()
        self.check(name, getattr(self._dnnl, f"dnnl_{name}")(ctypes.byref(made), *arguments))
        return made

    @staticmethod
    def check(name: str, status: int) -> None:
        """Raises RuntimeError for a status that is not success."""
        if status:
            raise RuntimeError(f"oneDNN: {name} failed with status {status}")

    def layout(self, shape: Sequence[int], strides: Sequence[int] | None) -> ctypes.c_void_p:
        """Describes f32 memory; strides None: whatever layout is fastest."""
        n = len(shape)
        if strides is None:
            return self.make("memory_desc_create_with_tag", n, _dims(shape), _F32, _ANY_LAYOUT)
        return self.make("memory_desc_create_with_strides", n, _dims(shape), _F32, _dims(strides))

    def chosen_layout(self, description: ctypes.c_void_p, what: int) -> ctypes.c_void_p:
        """The layout that a primitive chose for its weights or its work space."""
        return ctypes.c_void_p(self._dnnl.dnnl_primitive_desc_query_md(description, what, 0))

    def primitive(self, description: ctypes.c_void_p) -> _Primitive:
        """Compiles what is described."""
        scratchpad = self.chosen_layout(description, _QUERY_SCRATCHPAD)
        size = self._dnnl.dnnl_memory_desc_get_size(scratchpad)
        handle = self.make("primitive_create", description)
        return _Primitive(handle, scratchpad if size else None)

    def reorder(self, source: ctypes.c_void_p, target: ctypes.c_void_p) -> _Primitive:
        """A primitive that copies one layout into another."""
        e = self.engine
        create = "reorder_primitive_desc_create"
        return self.primitive(self.make(create, source, e, target, e, self.attributes))

    def run(
        self,
        steps: Sequence[tuple[_Primitive, Sequence[tuple[int, int]]]],
        memories: Sequence[tuple[ctypes.c_void_p, ctypes.c_void_p]],
    ) -> None:
        """Runs primitives one after the other.

        Args:
          steps: (primitive, ((its argument, which of `memories`), ...)) each.
          memories: (layout, address) each; _ALLOCATE makes room for the time of the call.
        """
        self.use_own_cores()
        made = [self.make("memory_create", layout, self.engine, at) for layout, at in memories]
        for primitive, named in steps:
            given = [_Argument(index, made[which]) for index, which in named]
            if primitive.scratchpad:
                made.append(
                    self.make("memory_create", primitive.scratchpad, self.engine, _ALLOCATE)
                )
                given.append(_Argument(_SCRATCHPAD, made[-1]))
            status = self._dnnl.dnnl_primitive_execute(
                primitive.handle, self._stream, len(given), (_Argument * len(given))(*given)
            )
            self.check("primitive_execute", status)
        self.check("stream_wait", self._dnnl.dnnl_stream_wait(self._stream))
        for memory in made:
            self._dnnl.dnnl_memory_destroy(memory)


def _dims(values: Sequence[int]) -> Any:
    return (ctypes.c_int64 * len(values))(*values)


@functools.cache
def _library() -> _Library:
    return _Library()


class _Plan:
    """The three primitives of one convolution shape, registered with XLA."""

    def __init__(
        self,
        x_shape: tuple[int, ...],
        kernel_shape: tuple[int, ...],
        strides: tuple[int, int],
        pads: Padding,
    ):
        dnnl = _library()
        dnnl.use_own_cores()
        (b, height, width, c), (k_h, k_w, _, d) = x_shape, kernel_shape
        (top, bottom), (left, right) = pads
        y_height = (height + top + bottom - k_h) // strides[0] + 1
        y_width = (width + left + right - k_w) // strides[1] + 1
        # Compiled programs are kept between processes and call by name: a name says everything.
        numbers = (*x_shape, *kernel_shape, *strides, top, bottom, left, right)
        self.name = "synthmed_onednn_" + "_".join(map(str, numbers))
        self.y_shape = (b, y_height, y_width, d)
        # oneDNN names the axes B,C,H,W and D,C,h,w; the strides say how they lie.
        x = dnnl.layout((b, c, height, width), (height * width * c, 1, width * c, c))
        y = dnnl.layout((b, d, y_height, y_width), (y_height * y_width * d, 1, y_width * d, d))
        kernel = dnnl.layout((d, c, k_h, k_w), (1, d, k_w * c * d, c * d))
        fastest = dnnl.layout((d, c, k_h, k_w), None)
        window = (_dims(strides), _dims((0, 0)), _dims((top, left)), _dims((bottom, right)))
        create = "convolution_{}_primitive_desc_create"
        e, how = dnnl.engine, dnnl.attributes
        forward = dnnl.make(
            create.format("forward"), e, _FORWARD_TRAINING, _DIRECT, x, fastest, _NULL, y, *window,
            how,
        )  # fmt: skip
        data = dnnl.make(
            create.format("backward_data"), e, _DIRECT, x, fastest, y, *window, forward, how
        )
        weights = dnnl.make(
            create.format("backward_weights"), e, _DIRECT, x, fastest, _NULL, y, *window, forward,
            how,
        )  # fmt: skip
        run_forward, run_data, run_weights = map(dnnl.primitive, (forward, data, weights))
        to_forward = dnnl.chosen_layout(forward, _QUERY_WEIGHTS)
        to_data = dnnl.chosen_layout(data, _QUERY_WEIGHTS)
        from_weights = dnnl.chosen_layout(weights, _QUERY_DIFF_WEIGHTS)
        pack_forward, pack_data = dnnl.reorder(kernel, to_forward), dnnl.reorder(kernel, to_data)
        unpack = dnnl.reorder(from_weights, kernel)

        def forward_pass(x_at: Any, kernel_at: Any, y_at: Any) -> None:
            dnnl.run(
                [
                    (pack_forward, ((_SRC, 1), (_DST, 3))),
                    (run_forward, ((_SRC, 0), (_WEIGHTS, 3), (_DST, 2))),
                ],
                [(x, x_at), (kernel, kernel_at), (y, y_at), (to_forward, _ALLOCATE)],
            )

        def data_gradient(dy_at: Any, kernel_at: Any, dx_at: Any) -> None:
            dnnl.run(
                [
                    (pack_data, ((_SRC, 1), (_DST, 3))),
                    (run_data, ((_DIFF_DST, 0), (_WEIGHTS, 3), (_DIFF_SRC, 2))),
                ],
                [(y, dy_at), (kernel, kernel_at), (x, dx_at), (to_data, _ALLOCATE)],
            )

        def weight_gradient(x_at: Any, dy_at: Any, dkernel_at: Any) -> None:
            dnnl.run(
                [
                    (run_weights, ((_SRC, 0), (_DIFF_DST, 1), (_DIFF_WEIGHTS, 3))),
                    (unpack, ((_SRC, 3), (_DST, 2))),
                ],
                [(x, x_at), (y, dy_at), (kernel, dkernel_at), (from_weights, _ALLOCATE)],
            )

        # Held here, or Python would free what XLA still calls.
        self._handlers = [
            _register(f"{self.name}_forward", forward_pass),
            _register(f"{self.name}_data", data_gradient),
            _register(f"{self.name}_weights", weight_gradient),
        ]


@functools.cache
def _plan(
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: tuple[int, int],
    pads: Padding,
) -> _Plan:
    return _Plan(x_shape, kernel_shape, strides, pads)


def _register(target: str, function: Callable[..., None]) -> Any:
    """Registers function(addresses of arguments and results) as an XLA custom call."""

    def handle(frame: int) -> int | None:
        extension = _word(frame + _FRAME_EXTENSION)
        if extension and _int(extension + _EXTENSION_TYPE).value == _METADATA_EXTENSION:
            described = _word(extension + _EXTENSION_METADATA)
            _int(described + _METADATA_MAJOR).value = _FFI_VERSION[0]
            _int(described + _METADATA_MINOR).value = _FFI_VERSION[1]
            return None
        try:
            function(*_buffers(frame + _FRAME_ARGS), *_buffers(frame + _FRAME_RETS))
        except RuntimeError as error:
            return _make_error(_word(frame + _FRAME_API), str(error))
        return None

    handler = _Handler(handle)
    jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(handler), platform="cpu")
    return handler


def _make_error(api: int, message: str) -> int:
    """An error that XLA raises in the program that called: an exception would be lost here."""
    create = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(_word(api + _API_ERROR_CREATE))
    arguments = _ErrorArguments(
        ctypes.sizeof(_ErrorArguments), None, message.encode(), _ERROR_INTERNAL
    )
    return int(create(ctypes.addressof(arguments)))


def _buffers(at: int) -> list[ctypes.c_void_p]:
    """Addresses of the data of a list of arguments or results."""
    items = _word(at + _LIST_ITEMS)
    return [
        ctypes.c_void_p(_word(_word(items + 8 * i) + _BUFFER_DATA))
        for i in range(_word(at + _LIST_SIZE))
    ]


def _word(at: int) -> int:
    return ctypes.c_uint64.from_address(at).value


def _int(at: int) -> ctypes.c_int:
    return ctypes.c_int.from_address(at)
