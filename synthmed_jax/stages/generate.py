"""The stage that draws the synthetic set."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from synthmed_jax import hosts
from synthmed_jax.data import manifest, synthetic
from synthmed_jax.diffusion import generate
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.parallel import Tree
from synthmed_jax.results.cells import amount_of, amount_text
from synthmed_jax.results.marker import PER_CLASS
from synthmed_jax.stages import base, diffusion, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

LONGEST_NAME = 160  # characters of the numbers of images, which are a part of names of files


def _run(run: Run) -> None:
    settings, generators = run.settings.generate, diffusion.generator_of_label(run)
    most = max(run.inputs.synthetic_counts)
    if settings.enough_for_arms and most > max(settings.by_class(run.inputs.class_names)):
        print(f"generate: {most} images of each class, as many as an arm takes of one", flush=True)
    with base.helped(run, STAGE):
        generate.generate(
            _draw_class(run, generators),
            settings,
            settings.block,
            run.inputs.class_names,
            run.inputs.synthetic_counts,
            tuple(sha256 for _, _, sha256 in generators.values()),
            run.workdir.synthetic,
            base.fingerprint(run, STAGE).digest,
            shared=run.bring_up_to_date is None,
        )


def _help(run: Run, task: Mapping[str, Any]) -> None:
    """Draws this host's blocks."""
    generate.help_generate(
        _draw_class(run, diffusion.generator_of_label(run)),
        run.settings.generate.block,
        run.inputs.class_names,
        run.workdir.synthetic if run.bring_up_to_date is None else None,
    )


def _draw_class(run: Run, generators: Mapping[int, tuple[Tree, int, str]]) -> generate.DrawClass:
    def draw_class(label: int, index: np.ndarray) -> np.ndarray:
        params, label_in_model, _ = generators[label]
        return run.compiled.draw(params, np.full(len(index), label_in_model, np.int32), index)

    return draw_class


def images_per_class(run: Run) -> tuple[str, ...]:
    """The unit of all that is made of the whole synthetic set."""
    return (amount_text(amount_of(run.inputs.synthetic_counts)) + PER_CLASS,)


def lacking_images(run: Run) -> dict[tuple[int, int], Sequence[int]]:
    """What is still to be drawn, as `generate.lacking_images` returns it."""
    return generate.lacking_images(
        run.workdir.synthetic,
        run.inputs.class_names,
        run.inputs.synthetic_counts,
        run.settings.generate.block,
    )


def _check(run: Run) -> None:
    """Whether the numbers of images are those of the data set's classes."""
    counts = run.inputs.synthetic_counts
    text = amount_text(amount_of(counts))
    if len(text) > LONGEST_NAME:
        raise UserError(
            f"config.generate.counts gives {len(counts)} classes numbers that differ, and together "
            f"they are too long for the name of a folder ({len(text)} characters, at most "
            f"{LONGEST_NAME}): leave it empty, or choose classes with config.data.classes"
        )


def _images(run: Run) -> Iterator[pathlib.Path]:
    """The images that are used, and manifests of further folders whose images lack.

    Raises:
      Damaged: at an image that is another than the manifest says.
    """
    folder = run.workdir.synthetic
    rows = manifest.read_manifest(folder)
    there = {(row.class_name, row.index) for row in rows}
    for name, count in zip(run.inputs.class_names, run.inputs.synthetic_counts, strict=True):
        for start in range(manifest.IMAGES_PER_FOLDER, count, manifest.IMAGES_PER_FOLDER):
            if (name, start) not in there:
                yield folder / manifest.part_of(name, start)
    for row in rows:
        if not row.used:
            continue
        path = folder / row.path
        if path.is_file() and not synthetic.is_whole(folder, row):
            raise Damaged(path, "is damaged: it is not the image that manifest.csv names")
        yield path


def _forget(run: Run, path: pathlib.Path) -> None:
    """Removes a damaged image; a manifest that can be read tells which images lack."""
    if path.name == manifest.MANIFEST:
        folder = run.workdir.synthetic
        try:
            manifest.read_part(folder, path.relative_to(folder).as_posix())
        except Damaged:
            base.remove(path)
    else:
        base.remove(path)


def _expect(run: Run) -> float:
    num_drawn = len(lacking_images(run)) * run.settings.generate.block
    if not num_drawn:
        return 0.0
    seconds = num_drawn * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)
    return seconds / hosts.count()


STAGE = Stage(
    "generate",
    _run,
    fields=("generate.",),
    ignored=(
        "generate.per_class",
        "generate.counts",
        "generate.enough_for_arms",
        "generate.block",
        "generate.filter",
        "generate.off_class_share",
    ),
    inputs=(diffusion.STAGE,),
    # Not `adds`: the manifest says which images are used now, so fewer images are other work too.
    units=images_per_class,
    check=_check,
    expect=_expect,
    folder="synthetic",
    ends=("manifest.csv",),
    recorded=("manifest.csv", "section.json"),
    needed=_images,
    forget=_forget,
    help=_help,
)
