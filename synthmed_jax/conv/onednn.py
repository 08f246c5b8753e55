"""oneDNN's convolutions inside XLA, on x86-64 Linux: the package `onednn-cpu-gomp`.

PyTorch owes its speed on a CPU to this library, and XLA's CPU backend does without it. For each
shape and direction, a function that runs oneDNN (libdnnl.py) is registered with XLA
(call_frame.py). Arrays are not copied, and while oneDNN works, Python's lock is free.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from importlib import metadata

import jax
import jax.numpy as jnp

from synthmed_jax import parallel
from synthmed_jax.conv import call_frame
from synthmed_jax.conv.call_frame import Address
from synthmed_jax.conv.geometry import Padding
from synthmed_jax.conv.libdnnl import (
    ALLOCATE,
    DIFF_DST,
    DIFF_SRC,
    DIFF_WEIGHTS,
    DIRECT,
    DST,
    FORWARD_TRAINING,
    NULL,
    QUERY_DIFF_WEIGHTS,
    QUERY_WEIGHTS,
    SRC,
    WEIGHTS,
    Library,
    dims,
)

PACKAGE = "onednn-cpu-gomp"


@functools.cache
def is_available() -> bool:
    """Whether `convolve` can be called; a reason that the user can mend is a warning on stderr.

    It can not where the package is not installed or SYNTHMED_ONEDNN=0 is set (no warning), where
    the library can't be loaded, or where jaxlib's call frame is another than call_frame.py reads.
    """
    path = _find()
    if path is None or os.environ.get("SYNTHMED_ONEDNN", "1") == "0":
        return False
    problem = _load_problem(path) or _frame_problem()
    if problem is None:
        return True
    print(
        f"warning: oneDNN's convolutions can't be used, training will be slower: {problem}. "
        "SYNTHMED_ONEDNN=0 ends this warning",
        file=sys.stderr,
    )
    return False


def _find() -> str | None:
    """Path of libdnnl, None where the package is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(f.locate()) for f in files if f.name == "libdnnl.so"), None)


def _load_problem(path: str) -> str | None:
    try:
        ctypes.CDLL(path)
    except OSError as error:
        return f"{error} (Debian, Ubuntu: apt-get install libgomp1)"
    return None


def _frame_problem() -> str | None:
    moved = call_frame.differences()
    if not moved:
        return None
    return (
        f"jaxlib {metadata.version('jaxlib')} calls foreign functions in a way that is unknown to "
        f"this version of synthmed_jax (in xla/ffi/api/c_api.h: {', '.join(moved[:3])})"
    )


def convolve(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D], and its gradients, by oneDNN."""
    if kernel.shape[:2] == (1, 1) and strides != (1, 1):
        # Of few channels, oneDNN's own weight gradient of these is wrong, waits for ever or ends
        # the process on CPUs without AVX-512 (2023.2.0). A kernel of one pixel reads nothing
        # between the strides.
        x = jnp.pad(x, ((0, 0), *pads, (0, 0)))[:, :: strides[0], :: strides[1]]
        strides, pads = (1, 1), ((0, 0), (0, 0))
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


@functools.cache
def _library() -> Library:
    # Devices work at the same time: each has its share of the cores.
    threads = max(1, parallel.available_cores() // parallel.device_count())
    path = _find()
    if path is None:
        raise RuntimeError(f"{PACKAGE} is not installed: is_available() says so")
    return Library(path, threads)


class _Plan:
    """The three primitives of one convolution shape, registered with XLA."""

    def __init__(
        self,
        x_shape: tuple[int, ...],
        kernel_shape: tuple[int, ...],
        strides: tuple[int, int],
        pads: Padding,
    ) -> None:
        dnnl = _library()
        (b, height, width, c), (k_h, k_w, _, d) = x_shape, kernel_shape
        (top, bottom), (left, right) = pads
        y_height = (height + top + bottom - k_h) // strides[0] + 1
        y_width = (width + left + right - k_w) // strides[1] + 1
        # Compiled programs are cached between processes and call a handler by its name, so the name
        # must tell everything that the handler depends on.
        numbers = (*x_shape, *kernel_shape, *strides, top, bottom, left, right)
        self.name = "synthmed_onednn_" + "_".join(map(str, numbers))
        self.y_shape = (b, y_height, y_width, d)
        # oneDNN names the axes B,C,H,W and D,C,h,w; the strides say how they lie.
        x = dnnl.layout((b, c, height, width), (height * width * c, 1, width * c, c))
        y = dnnl.layout((b, d, y_height, y_width), (y_height * y_width * d, 1, y_width * d, d))
        kernel = dnnl.layout((d, c, k_h, k_w), (1, d, k_w * c * d, c * d))
        fastest = dnnl.layout((d, c, k_h, k_w), None)
        window = (dims(strides), dims((0, 0)), dims((top, left)), dims((bottom, right)))
        e, how = dnnl.engine, dnnl.attributes
        forward = dnnl.make(
            "convolution_forward_primitive_desc_create",
            e, FORWARD_TRAINING, DIRECT, x, fastest, NULL, y, *window, how,
        )  # fmt: skip
        data = dnnl.make(
            "convolution_backward_data_primitive_desc_create",
            e, DIRECT, x, fastest, y, *window, forward, how,
        )  # fmt: skip
        weights = dnnl.make(
            "convolution_backward_weights_primitive_desc_create",
            e, DIRECT, x, fastest, NULL, y, *window, forward, how,
        )  # fmt: skip
        run_forward, run_data, run_weights = map(dnnl.primitive, (forward, data, weights))
        to_forward = dnnl.chosen_layout(forward, QUERY_WEIGHTS)
        to_data = dnnl.chosen_layout(data, QUERY_WEIGHTS)
        from_weights = dnnl.chosen_layout(weights, QUERY_DIFF_WEIGHTS)
        pack_forward, pack_data = dnnl.reorder(kernel, to_forward), dnnl.reorder(kernel, to_data)
        unpack = dnnl.reorder(from_weights, kernel)

        def forward_pass(x_at: Address, kernel_at: Address, y_at: Address) -> None:
            dnnl.run(
                [
                    (pack_forward, ((SRC, 1), (DST, 3))),
                    (run_forward, ((SRC, 0), (WEIGHTS, 3), (DST, 2))),
                ],
                [(x, x_at), (kernel, kernel_at), (y, y_at), (to_forward, ALLOCATE)],
            )

        def data_gradient(dy_at: Address, kernel_at: Address, dx_at: Address) -> None:
            dnnl.run(
                [
                    (pack_data, ((SRC, 1), (DST, 3))),
                    (run_data, ((DIFF_DST, 0), (WEIGHTS, 3), (DIFF_SRC, 2))),
                ],
                [(y, dy_at), (kernel, kernel_at), (x, dx_at), (to_data, ALLOCATE)],
            )

        def weight_gradient(x_at: Address, dy_at: Address, dkernel_at: Address) -> None:
            dnnl.run(
                [
                    (run_weights, ((SRC, 0), (DIFF_DST, 1), (DIFF_WEIGHTS, 3))),
                    (unpack, ((SRC, 3), (DST, 2))),
                ],
                [(x, x_at), (y, dy_at), (kernel, dkernel_at), (from_weights, ALLOCATE)],
            )

        # Held here: Python would free what XLA still calls.
        self._handlers = [
            call_frame.register(f"{self.name}_forward", forward_pass),
            call_frame.register(f"{self.name}_data", data_gradient),
            call_frame.register(f"{self.name}_weights", weight_gradient),
        ]


@functools.cache
def _plan(
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: tuple[int, int],
    pads: Padding,
) -> _Plan:
    with _library().limited_threads():
        return _Plan(x_shape, kernel_shape, strides, pads)
