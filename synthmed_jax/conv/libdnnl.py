"""oneDNN's C library, called through ctypes (its C API, version 3)."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# oneDNN's C enumerations: first those that only this file needs.
_CPU, _F32, _ANY_LAYOUT = 1, 3, 1
_IN_ORDER_STREAM, _USER_SCRATCHPAD = 1, 1
_QUERY_SCRATCHPAD, _SCRATCHPAD = 136, 80
# Kind of propagation, algorithm; which layout is asked for; which argument of a primitive.
FORWARD_TRAINING, DIRECT = 64, 1
QUERY_WEIGHTS, QUERY_DIFF_WEIGHTS = 131, 132
SRC, DST, WEIGHTS = 1, 17, 33
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS = 129, 145, 161
# In place of an address: memory that is allocated for the time of one call.
ALLOCATE = ctypes.c_void_p(-1)
NULL = ctypes.c_void_p(0)


class Primitive(NamedTuple):
    """A compiled operation, and the layout of the work space that a call of it needs, if any."""

    handle: ctypes.c_void_p
    scratchpad: ctypes.c_void_p | None


class _Argument(ctypes.Structure):
    _fields_ = (("index", ctypes.c_int), ("memory", ctypes.c_void_p))


class Library:
    """libdnnl, with an engine, a stream, and the settings that all primitives share.

    Attributes:
      threads: CPU threads that one call may use.
    """

    def __init__(self, path: str, threads: int) -> None:
        """Loads the library.

        Args:
          path: of libdnnl.so.
          threads: as the attribute.
        """
        self._dnnl = ctypes.CDLL(path)
        self._dnnl.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
        self._dnnl.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
        self.threads = threads
        self.engine = self.make("engine_create", _CPU, ctypes.c_size_t(0))
        self._stream = self.make("stream_create", self.engine, _IN_ORDER_STREAM)
        # Several devices may run one primitive at the same time, so each call allocates the work
        # space that it needs.
        self.attributes = self.make("primitive_attr_create")
        self.check(
            "primitive_attr_set_scratchpad_mode",
            self._dnnl.dnnl_primitive_attr_set_scratchpad_mode(self.attributes, _USER_SCRATCHPAD),
        )

    @contextlib.contextmanager
    def limited_threads(self) -> Iterator[None]:
        """Within it, calls from the calling thread use that many OpenMP threads.

        Other libraries of the process may share OpenMP with this one: PyTorch was left with one
        thread where the number was not set back.
        """
        before = self._dnnl.omp_get_max_threads()
        self._dnnl.omp_set_num_threads(self.threads)
        try:
            yield
        finally:
            self._dnnl.omp_set_num_threads(before)

    def make(self, name: str, *arguments: object) -> ctypes.c_void_p:
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
            return self.make("memory_desc_create_with_tag", n, dims(shape), _F32, _ANY_LAYOUT)
        return self.make("memory_desc_create_with_strides", n, dims(shape), _F32, dims(strides))

    def chosen_layout(self, description: ctypes.c_void_p, what: int) -> ctypes.c_void_p:
        """The layout that a primitive chose for its weights or its work space."""
        return ctypes.c_void_p(self._dnnl.dnnl_primitive_desc_query_md(description, what, 0))

    def primitive(self, description: ctypes.c_void_p) -> Primitive:
        """Compiles what is described."""
        scratchpad = self.chosen_layout(description, _QUERY_SCRATCHPAD)
        size = self._dnnl.dnnl_memory_desc_get_size(scratchpad)
        handle = self.make("primitive_create", description)
        return Primitive(handle, scratchpad if size else None)

    def reorder(self, source: ctypes.c_void_p, target: ctypes.c_void_p) -> Primitive:
        """A primitive that copies one layout into another."""
        e = self.engine
        create = "reorder_primitive_desc_create"
        return self.primitive(self.make(create, source, e, target, e, self.attributes))

    def run(
        self,
        steps: Sequence[tuple[Primitive, Sequence[tuple[int, int]]]],
        memories: Sequence[tuple[ctypes.c_void_p, ctypes.c_void_p]],
    ) -> None:
        """Runs primitives one after the other.

        Args:
          steps: per primitive, (primitive, ((argument, index into `memories`), ...)).
          memories: (layout, address) of each piece of memory; the address may be ALLOCATE.

        Raises:
          RuntimeError: oneDNN reports a failure.
        """
        made = [self.make("memory_create", layout, self.engine, at) for layout, at in memories]
        with self.limited_threads():
            for primitive, named in steps:
                given = [_Argument(index, made[which]) for index, which in named]
                if primitive.scratchpad:
                    space = self.make("memory_create", primitive.scratchpad, self.engine, ALLOCATE)
                    made.append(space)
                    given.append(_Argument(_SCRATCHPAD, space))
                status = self._dnnl.dnnl_primitive_execute(
                    primitive.handle, self._stream, len(given), (_Argument * len(given))(*given)
                )
                self.check("primitive_execute", status)
            self.check("stream_wait", self._dnnl.dnnl_stream_wait(self._stream))
        for memory in made:
            self._dnnl.dnnl_memory_destroy(memory)


def dims(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """Sizes or strides as oneDNN takes them."""
    return (ctypes.c_int64 * len(values))(*values)
