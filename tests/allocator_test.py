"""Freed memory is used again; in a process of its own, whose allocator may be changed."""

import subprocess
import sys

import pytest

from synthmed_jax import allocator
from synthmed_jax.errors import UserError

PROGRAM = """
import ctypes, resource, sys
from synthmed_jax import allocator
if sys.argv[1] == "keep":
    allocator.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def faults(size=256 * 2**20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size)))
    ctypes.memset(block, 1, size)
    libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
if len(sys.argv) > 2:
    allocator.give_back()
print(faults())
"""


def second_use(*modes):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *modes], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(
    allocator.platform.libc_ver()[0] != "glibc", reason="only glibc has these settings"
)
def test_a_large_block_is_mapped_once():
    # Pages of 2 MiB at most: 128 of them. Kept memory faults (next to) never.
    assert second_use("as it is") >= 128
    assert second_use("keep") < 16


@pytest.mark.skipif(
    allocator.platform.libc_ver()[0] != "glibc", reason="only glibc has these settings"
)
def test_kept_memory_can_be_given_back():
    assert second_use("keep", "give back") >= 128


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("was called"))
    allocator.keep_freed_memory()
    allocator.give_back()


@pytest.mark.parametrize("given", ["half", "0", "1.5", "nan"])
def test_a_share_of_a_gpu_s_memory_that_is_none_is_refused(monkeypatch, given):
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", given)
    with pytest.raises(UserError, match=f"MEM_FRACTION={given} must be a number above 0"):
        allocator.share_of_gpu(0.75)
