"""What a machine refuses in the middle of a run, in one sentence: room on a disk, memory, access.

Such errors come from everywhere, and from libraries that wrap them in errors of their own. They are
told here, around a stage, and not at every place that writes a file or calls a network.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

from synthmed_jax import machine, parallel
from synthmed_jax.errors import OutOfMemory, UserError
from synthmed_jax.files import is_full_disk
from synthmed_jax.settings import Settings
from synthmed_jax.stages.run import Run

# What the user can mend outside of this program; a file that is missing is another matter.
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EFBIG)
_SIZE = re.compile(r"allocat\w+ (\d+(?:\.\d+)?) ?(bytes|[KMGTP]iB)")
_UNITS = {"bytes": 1} | {f"{letter}iB": 1024 ** (i + 1) for i, letter in enumerate("KMGTP")}
_ON = "nothing that was saved is lost"


@contextlib.contextmanager
def told(run: Run, stage: str = "") -> Iterator[None]:
    """Turns what the machine refuses within the block into a UserError; other errors pass.

    Args:
      run: whose workdir and cache are written.
      stage: the stage at work; "": none.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        sentence = explain(error, run, stage)
        if sentence is None:
            raise
        no_memory = any(map(_is_out_of_memory, _with_causes(error)))
        raise (OutOfMemory if no_memory else UserError)(sentence) from error


def explain(error: Exception, run: Run, stage: str = "") -> str | None:
    """Returns what a user is told of an error and its causes; None: it is none of the machine's."""
    errors = list(_with_causes(error))
    for each in errors:
        if is_full_disk(each):
            place = _place(each) or _fullest(run)
            return (
                f"no room left on the device of {place}; {_ON}: make room, and give the same "
                "command again"
            )
    for each in errors:
        if _is_out_of_memory(each):
            return _about_memory(str(each), run.settings, stage)
    for each in errors:
        if isinstance(each, OSError) and each.errno in _REFUSALS:
            reason = os.strerror(each.errno)
            where = _place(each)
            said = reason if where is None else f"{where}: {reason}"
            return f"{said}; {_ON}: mend that, and give the same command again"
    return None


def _with_causes(error: BaseException) -> Iterator[Exception]:
    """An error, what it was raised from or during, and the members of a group."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Exception):
            yield each
        if isinstance(each, BaseExceptionGroup):
            waiting.extend(each.exceptions)
        waiting += [each.__cause__, each.__context__]


def _place(error: Exception) -> str | None:
    """The file that an error names."""
    name = error.filename if isinstance(error, OSError) else None
    return None if name is None else os.fsdecode(name) if isinstance(name, bytes) else str(name)


def _fullest(run: Run) -> pathlib.Path:
    """Of the folders that a run writes to, the one with the least room."""
    folders = [each for each in (run.workdir.root, run.settings.data.cache) if each.exists()]
    return min(folders, key=lambda folder: shutil.disk_usage(folder).free, default=run.workdir.root)


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (
        "RESOURCE_EXHAUSTED" in str(error) and "memory" in str(error)
    )


def _about_memory(text: str, settings: Settings, stage: str) -> str:
    """Says what to lower, and to which size, as far as the error says what was needed."""
    found = _SIZE.search(text)
    needed = math.ceil(float(found[1]) * _UNITS[found[2]]) if found else None
    available = machine.available_memory()
    share = available / needed if available and needed else 0.5
    sizes = [
        f"{size / 1024**3:.1f} GiB {noun}"
        for size, noun in ((needed, "in one piece"), (available, "available"))
        if size
    ]
    about = f" ({', '.join(sizes)})" if sizes else ""
    where = f"stage {stage!r}" if stage else "this run"
    return f"{where} ran out of memory{about}; {_ON}: {_advice(settings, stage, share)}"


def _advice(settings: Settings, stage: str, share: float) -> str:
    """What to lower, where memory is the given share of what was asked for."""
    diffusion, classifier = settings.diffusion, settings.classifier
    if stage == "tune":
        stage = "classify" if settings.tune.target == "classifier" else "diffusion"
    if stage == "diffusion":
        batch = diffusion.train.batch_size
        fits = _fitting(batch // diffusion.train.accumulate, share)
        local = -(-batch // parallel.device_count_of_all_hosts())
        parts = min(
            (n for n in range(1, local + 1) if local % n == 0 and batch // n <= fits),
            default=local,
        )
        return (
            f"--config.diffusion.train.accumulate={parts} computes each batch of {batch} in "
            f"{parts} parts; or set --config.diffusion.train.batch_size={fits} or "
            "--config.diffusion.unet.dtype=bfloat16"
        )
    if stage in ("generate", "sweep"):
        return f"set --config.generate.block={_fitting(settings.generate.block, share)}"
    if stage in ("classify", "evaluate"):
        return (
            f"set --config.classifier.batch_size={_fitting(classifier.batch_size, share)} or "
            "--config.classifier.dtype=bfloat16"
        )
    if stage == "explain":
        return f"set --config.explain.batch_size={_fitting(settings.explain.batch_size, share)}"
    return "end other programs that take memory, or lower config.data.image_size"


def _fitting(size: int, share: float) -> int:
    """The size that fits by proportion, half of what did not at most; a multiple of the devices."""
    devices = parallel.device_count()
    return max(int(size * min(share, 0.5)) // devices * devices, devices)
