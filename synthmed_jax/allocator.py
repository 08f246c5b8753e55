"""Settings of memory: all that the program makes, and those of the user that it reads.

Freed memory is kept in the process, where the C library would give it back to the system. Nothing
is set of how JAX takes a GPU's memory: what is best depends on who else uses the card.
"""

from __future__ import annotations

import ctypes
import os
import platform

from synthmed_jax.errors import UserError

_SHARE_OF_GPU = "XLA_PYTHON_CLIENT_MEM_FRACTION"
# glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Tells glibc to reuse large blocks; call before threads are started.

    XLA allocates its work space (hundreds of MB) anew in each call, and glibc maps and unmaps
    blocks of that size, so that each training step waits until all their pages are cleared again.
    All threads get one arena, because only the main arena has room for blocks above 64 MB. Without
    glibc, this does nothing.

    Raises:
      RuntimeError: glibc refuses a setting.
    """
    if not _is_glibc():
        return
    libc = ctypes.CDLL(None)
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1)):
        if not libc.mallopt(option, value):
            raise RuntimeError(f"mallopt({option}, {value}) was refused")


def give_back() -> None:
    """Gives freed memory back to the system; call between works of different sizes.

    Blocks that one network leaves do not fit the next one's: a process that timed VGG-16 and VGG-19
    one after the other came to 12 GB, and comes to 8 now.
    """
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def share_of_gpu(default: float) -> float:
    """Returns the share of a GPU's memory that JAX takes when it starts.

    Args:
      default: JAX's own.

    Raises:
      UserError: XLA_PYTHON_CLIENT_MEM_FRACTION is set to what is no share.
    """
    given = os.environ.get(_SHARE_OF_GPU, "")
    try:
        share = float(given or default)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UserError(f"{_SHARE_OF_GPU}={given} must be a number above 0, at most 1: {default}")
    return share


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
