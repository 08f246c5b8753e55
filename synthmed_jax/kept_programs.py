"""The folder of compiled programs: compiling a step takes half a minute on two cores.

JAX keeps them, finds a damaged one when it reads it, warns and compiles again, but leaves the
damaged file where it is: it would be so at every run. Here such a file is removed when JAX warns of
it, and JAX keeps the new program in its place.
"""

from __future__ import annotations

import functools
import math
import pathlib
import warnings
import zlib
from collections.abc import Callable

import jax

from synthmed_jax import places

_WARNING = "Error reading persistent compilation cache entry"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"  # how a file begins where that package is installed
_LEAST_SECONDS = 1.0  # a program that takes less is not kept


def keep(folder: pathlib.Path) -> None:
    """Has JAX keep compiled programs in this folder, or in the one that the environment names.

    Raises:
      UserError: there is no such folder, and it can't be made.
    """
    seconds = _LEAST_SECONDS
    given = jax.config.values["jax_compilation_cache_dir"]
    if given is None:
        if not places.prepare_programs(folder, "--config.data.cache_dir"):
            seconds = math.inf  # those that others have kept are read
        jax.config.update("jax_compilation_cache_dir", str(folder))
    elif "://" not in given:  # no bucket
        folder = pathlib.Path(given)
        if not places.prepare_programs(folder, "JAX_COMPILATION_CACHE_DIR"):
            seconds = math.inf
    jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)
    warnings.showwarning = functools.partial(_show, folder, warnings.showwarning)


def _show(
    folder: pathlib.Path, show: Callable[..., None], message: Warning, *where: object
) -> None:
    """In the place of `warnings.showwarning`: mends what JAX warns of, and shows all else."""
    damaged = []
    if str(message).startswith(_WARNING):
        damaged = [path for path in folder.glob("*-cache") if _is_damaged(path)]
    for path in damaged:
        print(f"{path} is damaged: this program is compiled anew", flush=True)
        path.unlink(missing_ok=True)
    if not damaged:
        show(message, *where)


def _is_damaged(path: pathlib.Path) -> bool:
    try:
        content = path.read_bytes()
        if not content.startswith(_ZSTANDARD):
            zlib.decompress(content)
    except zlib.error:
        return True
    except OSError:  # another run may have removed it
        return False
    return False
