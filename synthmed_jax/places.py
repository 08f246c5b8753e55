"""Where a run reads and writes: folders that can't work are refused before anything is written."""

from __future__ import annotations

import os
import pathlib

from synthmed_jax.data import cache_folder, sets
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError
from synthmed_jax.remote import address


def prepare(data: DataSettings, workdir: pathlib.Path | str) -> pathlib.Path:
    """Checks the folders of a run, makes the one for prepared images, and returns it.

    Of the workdir nothing is made: a run that is refused later leaves no empty folder behind.

    Args:
      workdir: its folder, or its address on remote storage.

    Raises:
      UserError: a folder that is written to lies among the images, or can't be made or written. A
        folder of prepared images that can't be written may be read.
    """
    try:
        cache = data.cache
    except RuntimeError as error:  # an account without a home, as in many containers
        raise UserError(
            "prepared images are kept in the home folder, and this account has none: set "
            "--config.data.cache_dir=<folder>"
        ) from error
    takes_all = sets.DATASETS[data.name].TAKES_ALL_BELOW_DIR and data.dir
    if takes_all and not address.is_address(data.dir):
        root = pathlib.Path(data.dir).expanduser()
        if isinstance(workdir, pathlib.Path):
            _refuse_below(root, workdir, "--workdir", "what the run writes")
        _refuse_below(root, cache, "--config.data.cache_dir", "prepared images")
    if isinstance(workdir, pathlib.Path):
        _refuse_unwritable(workdir)
    elif takes_all and f"{workdir}/".startswith(f"{data.dir.rstrip('/')}/"):
        raise UserError(
            f"{workdir} lies in data.dir={data.dir!r}, and what the run writes there would become "
            "images of the data set: set --workdir to a folder outside of it"
        )
    # Of a folder with prepared images it turns out later whether they are all that is needed.
    if not (cache / cache_folder.PREPARED).is_dir():
        cache_folder.check_writable(cache, "it holds no prepared images yet")
    return cache


def prepare_programs(folder: pathlib.Path, flag: str) -> bool:
    """Makes the folder for compiled programs; returns whether some can be kept in it, or says so.

    Args:
      folder: on this machine's disks.
      flag: what names another folder.

    Raises:
      UserError: there is no such folder, and it can't be made.
    """
    reason = cache_folder.why_not_writable(folder)
    if not folder.is_dir():
        raise UserError(
            f"{folder}, where compiled programs are kept, can't be made ({reason}): set "
            f"{flag}=<folder>"
        )
    if reason:  # one that others fill may still be read
        print(
            f"note: compiled programs can't be kept in {folder} ({reason}), and are compiled at "
            f"every run: set {flag}=<folder>",
            flush=True,
        )
    return not reason


def _refuse_below(root: pathlib.Path, folder: pathlib.Path, flag: str, content: str) -> None:
    """Refuses a folder in `root`, or in one that a link in `root` leads to."""
    try:
        roots = [root, *filter(os.path.isdir, root.iterdir())]
    except OSError:  # no folder, or none that can be listed: the data set says so
        return
    real = pathlib.Path(os.path.realpath(folder))
    for place in roots:
        if real.is_relative_to(os.path.realpath(place)):
            raise UserError(
                f"{folder} lies in data.dir={str(root)!r}, and {content} there would become images "
                f"of the data set: set {flag} to a folder outside of it"
            )


def _refuse_unwritable(workdir: pathlib.Path) -> None:
    """Looks at the workdir, or at the folder that it would be made in."""
    path = workdir.absolute()
    there = next(each for each in (path, *path.parents) if os.path.lexists(each))
    reason = ""
    if not os.path.isdir(there):
        reason = f"{there} is no folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        reason = f"{there} can't be written"
    if reason:
        raise UserError(f"--workdir={workdir}: {reason}; choose another folder")
