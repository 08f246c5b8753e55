"""The stage that draws the synthetic set."""

from __future__ import annotations

import pathlib

import numpy as np

from synthmed_jax.data import synthetic
from synthmed_jax.diffusion import generate
from synthmed_jax.stages import diffusion, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    settings, generators = run.settings.generate, diffusion.generator_of_label(run)

    def draw_class(label: int, index: np.ndarray) -> np.ndarray:
        params, label_in_model, _ = generators[label]
        return run.compiled.draw(params, np.full(len(index), label_in_model, np.int32), index)

    generate.generate(
        draw_class,
        settings,
        settings.block,
        run.inputs.class_names,
        settings.per_class,
        tuple(sha256 for _, _, sha256 in generators.values()),
        run.workdir.synthetic,
    )


def images_per_class(run: Run) -> tuple[str, ...]:
    """The unit of all that is made of the whole synthetic set."""
    return (f"{run.settings.generate.per_class} a class",)


def _images(run: Run) -> list[pathlib.Path]:
    """The images that the manifest names; their digests are checked when they are read."""
    folder = run.workdir.synthetic
    return [folder / row.path for row in synthetic.read_manifest(folder)]


def _expect(run: Run) -> float:
    settings, num_classes = run.settings.generate, len(run.inputs.class_names)
    wanted = num_classes * -(-settings.per_class // settings.block) * settings.block
    if (run.workdir.synthetic / "manifest.csv").exists():
        wanted -= len(synthetic.read_manifest(run.workdir.synthetic))
    if wanted <= 0:
        return 0.0
    return wanted * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)


STAGE = Stage(
    "generate",
    _run,
    fields=("generate.",),
    ignored=("generate.per_class", "generate.block"),
    inputs=(diffusion.STAGE,),
    units=images_per_class,
    adds=True,
    expect=_expect,
    folder="synthetic",
    ends=("manifest.csv",),
    recorded=("manifest.csv", "section.json"),
    needed=_images,
)
