"""Results say what they were made with: a digest of settings and inputs."""

import pathlib

from synthmed_jax.errors import UserError


def refuse_others(path: pathlib.Path, was: str, wanted: str) -> None:
    """Raises UserError if a result was made with other settings or inputs than the wanted ones.

    Where a stage's marker was deleted, this alone can tell.

    Args:
      path: of the result.
      was: digest of what it was made with; "" in files of earlier versions, which do not say it.
      wanted: the digest now; "": whatever.
    """
    if was and wanted and was != wanted:
        raise UserError(
            f"{path} was made with other settings or inputs than those of this run: set them back, "
            "or take a new --workdir (--from=<this one> takes over what still holds); or delete "
            f"{path.parent}, and it is made anew"
        )
