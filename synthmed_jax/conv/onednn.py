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
from synthmed_jax.conv import call_frame, small_results
from synthmed_jax.conv.call_frame import Address
from synthmed_jax.conv.geometry import Padding, result_sides
from synthmed_jax.conv.gradients import with_gradients
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


def _gradients(
    x: jax.Array, kernel: jax.Array, dy: jax.Array, strides: tuple[int, int], pads: Padding
) -> tuple[jax.Array, jax.Array]:
    plan = _plan(x.shape, kernel.shape, strides, pads)
    dx = _call(f"{plan.name}_data", x.shape, dy, kernel)
    if small_results.suits_gradient(x.shape, kernel.shape, strides, pads):
        return dx, small_results.kernel_gradient(x, dy, kernel.shape, strides, pads)
    return dx, kernel_gradient(x, dy, kernel.shape, strides, pads)


@with_gradients(_gradients)
def convolve(x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding) -> jax.Array:
    """Convolution f32[B,H,W,C] * f32[h,w,C,D], and its gradients, by oneDNN.

    Not of 1x1 kernels with strides and few channels: oneDNN's weight gradient of these is wrong,
    waits for ever or ends the process on CPUs without AVX-512 (2023.2.0).
    """
    plan = _plan(x.shape, kernel.shape, strides, pads)
    return _call(f"{plan.name}_forward", plan.y_shape, x, kernel)


def kernel_gradient(
    x: jax.Array, dy: jax.Array, shape: tuple[int, ...], strides: tuple[int, int], pads: Padding
) -> jax.Array:
    """Gradient f32[h,w,C/G,D] by the kernel, for images f32[B,H,W,C] and results' f32[B,Y,X,D].

    Args:
      shape: (h, w, C/G, D), with G groups of channels.
    """
    return _call(f"{_plan(x.shape, shape, strides, pads).name}_weights", shape, x, dy)


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
        (b, height, width, c), (k_h, k_w, per_group, d) = x_shape, kernel_shape
        (top, bottom), (left, right) = pads
        y_height, y_width = result_sides(x_shape, kernel_shape, strides, pads)
        # Compiled programs are cached between processes and call a handler by its name, so the name
        # must tell everything that the handler depends on.
        numbers = (*x_shape, *kernel_shape, *strides, top, bottom, left, right)
        self.name = "synthmed_onednn_" + "_".join(map(str, numbers))
        self.y_shape = (b, y_height, y_width, d)
        # oneDNN names the axes B,C,H,W and D,C,h,w, the latter with the group first where there is
        # more than one; the strides say how they lie.
        x = dnnl.layout((b, c, height, width), (height * width * c, 1, width * c, c))
        y = dnnl.layout((b, d, y_height, y_width), (y_height * y_width * d, 1, y_width * d, d))
        groups = c // per_group
        shape: tuple[int, ...] = (d // groups, per_group, k_h, k_w)
        lie: tuple[int, ...] = (1, d, k_w * per_group * d, per_group * d)
        if groups > 1:
            shape, lie = (groups, *shape), (d // groups, *lie)
        kernel, fastest = dnnl.layout(shape, lie), dnnl.layout(shape, None)
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
