"""Generation of the labelled synthetic set: PNG class folders and manifest.csv.

Images are drawn in fixed, aligned blocks of indices, so that their bytes do not depend on how many
are wanted; of a block only those that are wanted and lacking are written. The manifest is written
after a block, as often as takes a twentieth of the time: a killed run draws again what it lacks and
yields the same files.
"""

from __future__ import annotations

import base64
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from synthmed_jax import hosts, stopping
from synthmed_jax.data import manifest, synthetic
from synthmed_jax.data.manifest import MANIFEST, ManifestRow
from synthmed_jax.data.open_manifest import OpenManifest
from synthmed_jax.data.png import encode_png
from synthmed_jax.diffusion.sampling import SampleSettings
from synthmed_jax.files import sha256, write_bytes
from synthmed_jax.made_by import refuse_others
from synthmed_jax.pace import Pace
from synthmed_jax.progress import progress_bar

# Share of the time that goes into writing the manifest, whose length grows with the set.
MANIFEST_SHARE = 0.05
# What draws images: (label, index i32[N]) -> u8[N,H,W,C].
DrawClass = Callable[[int, np.ndarray], np.ndarray]


def generate(
    draw_class: DrawClass,
    settings: SampleSettings,
    block: int,
    class_names: tuple[str, ...],
    counts: Sequence[int],
    checkpoints: tuple[str, ...],
    directory: pathlib.Path,
    made_by: str = "",
    *,
    shared: bool = True,
) -> None:
    """Draws the images that `directory` lacks; the others stay, those beyond `counts` too.

    A file that is missing, or is not the one that its row of the manifest names, is drawn again.
    The manifest's column `used` says which images are within `counts`. Where several hosts work on
    a run, each draws a block and writes its images, or reports them, and then this one writes the
    manifest.

    Args:
      draw_class: what draws images.
      settings: those of `draw_class`, for the manifest.
      block: images per call of `draw_class`, and indices per block.
      class_names: folder of each label.
      counts: images of each class that are wanted.
      checkpoints: sha256 of each label's generator.
      directory: receives <class>/<index>.png and manifest.csv.
      made_by: digest of the settings and inputs, which every row says.
      shared: whether all hosts see `directory`.

    Raises:
      UserError: images are there that were drawn with others.
    """
    rows = OpenManifest(directory)
    if not any(row.made_by in ("", made_by) for row in rows):
        for row in rows:
            refuse_others(directory / MANIFEST, row.made_by, made_by)
    for row in rows:
        wanted = _as_wanted(row, settings, class_names, counts)
        if row.made_by not in ("", made_by):  # of some rows alone it is damage
            rows.remove((row.class_name, row.index))
        elif wanted != row:
            rows.put(wanted)
    lacking = _lacking(rows, directory, class_names, counts, block, checkpoints)
    _say_damaged(rows, class_names, lacking)
    rows.save()
    pace = Pace(MANIFEST_SHARE)
    bar = progress_bar(description="generate", total=len(lacking) * block, unit="image")
    with stopping.deferred(), bar:
        waiting = [(label, start, indices) for (label, start), indices in lacking.items()]
        while waiting:
            at_once, waiting = waiting[: hosts.count()], waiting[hosts.count() :]
            hosts.tell([(label, start, list(indices)) for label, start, indices in at_once])
            label, start, indices = at_once[0]
            pngs = _draw_block(draw_class, block, label, start, indices)
            reports = hosts.gathered(_write(directory, class_names[label], indices, pngs))
            if not shared:
                reports[1:] = [
                    _write(directory, class_names[label], indices, map(base64.b64decode, report))
                    for (label, _, indices), report in zip(at_once[1:], reports[1:], strict=False)
                ]
            for (label, _, indices), drawn in zip(at_once, reports, strict=False):
                name = class_names[label]
                for i, digest in zip(indices, drawn, strict=True):
                    rows.put(row_of(name, i, settings, checkpoints[label], digest, made_by))
            if not waiting or stopping.asked() or pace.is_due():
                with pace.saving():
                    rows.save()
            bar.update(block * len(at_once))
            stopping.check()


def row_of(
    class_name: str,
    index: int,
    settings: SampleSettings,
    checkpoint: str,
    digest: str,
    made_by: str,
) -> ManifestRow:
    """Returns what the manifest says of a drawn image.

    Args:
      settings: what it was drawn with.
      checkpoint, digest: sha256 of the generator, and of the image's file.
      made_by: digest of the settings and inputs.
    """
    return ManifestRow(
        path=manifest.path_of(class_name, index),
        class_name=class_name,
        index=index,
        seed=settings.seed,
        sampler=settings.sampler,
        steps=settings.steps,
        guidance=settings.guidance,
        checkpoint=checkpoint,
        sha256=digest,
        made_by=made_by,
    )


def help_generate(
    draw_class: DrawClass,
    block: int,
    class_names: tuple[str, ...],
    directory: pathlib.Path | None,
) -> None:
    """Draws the blocks that the leader of several hosts leaves to this one.

    Args:
      draw_class, block, class_names, directory: as of `generate`; without a directory that all
        hosts see, images are reported to the leader.
    """
    while (at_once := hosts.told()) is not None:
        drawn: list[str] = []
        # Of the last blocks there may be none for this host.
        for label, start, indices in at_once[hosts.index() : hosts.index() + 1]:
            pngs = _draw_block(draw_class, block, label, start, indices)
            if directory is None:
                drawn = [base64.b64encode(png).decode() for png in pngs]
            else:
                drawn = _write(directory, class_names[label], indices, pngs)
        hosts.report(drawn)


def _draw_block(
    draw_class: DrawClass, block: int, label: int, start: int, indices: Sequence[int]
) -> list[bytes]:
    """Draws a block, and returns those of its images that lack, as PNGs."""
    images = draw_class(label, np.arange(start, start + block, dtype=np.int32))
    return [encode_png(images[i - start]) for i in indices]


def _write(
    directory: pathlib.Path, class_name: str, indices: Sequence[int], pngs: Iterable[bytes]
) -> list[str]:
    """Writes images of a class, and returns their sha256."""
    digests = []
    for i, png in zip(indices, pngs, strict=True):
        write_bytes(directory / manifest.path_of(class_name, i), png)
        digests.append(sha256(png))
    return digests


def _as_wanted(
    row: ManifestRow,
    settings: SampleSettings,
    class_names: Sequence[str],
    counts: Sequence[int],
) -> ManifestRow:
    """Says of an image that is there whether it is used, and what it was drawn with.

    Those who look at the manifest rely on the latter; it is never read back.
    """
    if row.class_name not in class_names:
        return dataclasses.replace(row, used=False)
    label = class_names.index(row.class_name)
    return dataclasses.replace(
        row,
        used=row.index < counts[label],
        seed=settings.seed,
        sampler=settings.sampler,
        steps=settings.steps,
        guidance=settings.guidance,
    )


def lacking_images(
    directory: pathlib.Path, class_names: Sequence[str], counts: Sequence[int], block: int
) -> dict[tuple[int, int], Sequence[int]]:
    """Finds the wanted images that are not there, or are not those of the manifest.

    Args:
      directory, class_names, counts, block: as of `generate`.

    Returns:
      (label, first index of a block) -> indices that lack, for every block that lacks some.
    """
    return _lacking(OpenManifest(directory), directory, class_names, counts, block)


def _lacking(
    rows: OpenManifest,
    directory: pathlib.Path,
    class_names: Sequence[str],
    counts: Sequence[int],
    block: int,
    checkpoints: Sequence[str] = (),
) -> dict[tuple[int, int], Sequence[int]]:
    """As `lacking_images`; with `checkpoints` of each label, images of other weights lack too."""

    def lacks(label: int, index: int) -> bool:
        row = rows.get((class_names[label], index))
        return (
            row is None
            or (bool(checkpoints) and row.checkpoint != checkpoints[label])
            or not synthetic.is_whole(directory, row)
        )

    lacking: dict[tuple[int, int], Sequence[int]] = {}
    for label, count in enumerate(counts):
        for start in range(0, count, block):
            whole = range(start, min(start + block, count))
            indices = [i for i in whole if lacks(label, i)]
            if indices:  # a range takes no memory, however many blocks there are
                lacking[label, start] = whole if len(indices) == len(whole) else indices
    return lacking


def _say_damaged(
    rows: OpenManifest,
    class_names: Sequence[str],
    lacking: Mapping[tuple[int, int], Sequence[int]],
) -> None:
    images = ((class_names[label], i) for (label, _), indices in lacking.items() for i in indices)
    damaged = [row.path for image in images if (row := rows.get(image))]
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        print(
            f"generate: {damaged[0]}{more} missing or not as manifest.csv has it: drawn again",
            flush=True,
        )
