"""The config block `pool`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class PoolSettings:
    """Which runs are put together.

    Attributes:
      workdirs: finished workdirs, or files of the stage `record`, separated by commas; "": none.
      development_seeds: values of config.seed that are shown and left out of what is said over
        seeds, separated by commas; "": none.

    Raises UserError for a seed that is no number.
    """

    workdirs: str
    development_seeds: str

    def __post_init__(self) -> None:
        for name in _listed(self.development_seeds):
            if not name.isdecimal():
                raise UserError(
                    f"config.pool.development_seeds={self.development_seeds!r} must be values of "
                    f'config.seed, as "0,7", and {name!r} is none'
                )

    @property
    def folders(self) -> tuple[pathlib.Path, ...]:
        """The workdirs."""
        return folders_of(self.workdirs)

    @property
    def development(self) -> frozenset[int]:
        """The seeds that were watched during development."""
        return frozenset(map(int, _listed(self.development_seeds)))


def folders_of(workdirs: str) -> tuple[pathlib.Path, ...]:
    """Returns the folders that a config field names, separated by commas."""
    return tuple(pathlib.Path(name).expanduser() for name in _listed(workdirs))


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
