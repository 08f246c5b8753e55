"""Can synthetic medical images stand in for real ones or add to them, and are they safe?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthmed_jax.finished_run import FinishedRun


def load(
    workdir: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] = "",
    cache_dir: str | os.PathLike[str] = "",
) -> FinishedRun:
    """Opens the workdir of a run, to use what it has made; see finished_run.py.

    Args:
      workdir: its folder.
      data_dir: where the real images are now; "": where they were.
      cache_dir: where prepared images and compiled programs are kept; "": where they were.

    Raises:
      UserError: it is no workdir, or its config can't be understood.
    """
    # Here, since the import starts JAX's library, which takes seconds.
    from synthmed_jax import finished_run

    return finished_run.load(workdir, data_dir=data_dir, cache_dir=cache_dir)
