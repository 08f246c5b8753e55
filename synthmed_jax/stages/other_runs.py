"""What is made of other finished runs, as a unit of work."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterable

from synthmed_jax.evaluation.compare_settings import CompareSettings
from synthmed_jax.evaluation.pool_settings import PoolSettings
from synthmed_jax.files import sha256_of_all
from synthmed_jax.workdir import Workdir


def unit(
    settings: PoolSettings | CompareSettings, read: Callable[[Workdir], Iterable[pathlib.Path]]
) -> tuple[str, ...]:
    """Returns another name for other runs, and where one of them has other results.

    Args:
      settings: which runs, and what is asked of them.
      read: workdir of one of them -> the files that are read there, whether they are there or not.
    """
    asked = json.dumps(dataclasses.asdict(settings)).encode()
    paths = [path for folder in settings.folders for path in read(Workdir(folder))]
    return (sha256_of_all(paths, asked),)
