"""The stage that compares samplers and numbers of steps on the trained generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from synthmed_jax.classifiers import feature_net, trainings
from synthmed_jax.diffusion import sampling, sweep
from synthmed_jax.diffusion.generate_settings import SampleSettings, parse
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import memorisation
from synthmed_jax.files import write_bytes, write_text
from synthmed_jax.report import charts, drawing
from synthmed_jax.results.sweep import SweepResult
from synthmed_jax.stages import base, diffusion, features, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run
from synthmed_jax.statistics.kernel_distance import KernelDistance, kernel_distance

LEAST_VAL = 2  # what an unbiased distance takes; how little few images say, its interval shows
# What the sweep does not vary.
_DRAWING = ("spacing", "threshold", "guidance", "seed")


def _run(run: Run) -> None:
    settings, folder, parts = run.settings.sweep, run.workdir.sweep, run.inputs.parts
    rows = sweep.compare(
        settings,
        _make_compiled(run),
        distance_to_val(run),
        memorisation.nearness_to(parts.fit, parts.val, run.settings.diffusion.flips),
    )
    result = SweepResult(
        distance="kernel distance",
        features=f"{feature_net.FEATURES}, of a network trained on fit",
        reference="val, which neither the generator nor this network has learned",
        num_real=len(parts.val),
        num_synthetic=settings.per_class * len(run.inputs.class_names),
        seeds=settings.seeds,
        rows=tuple(rows),
    )
    text = sweep.to_markdown(result)
    result.write(folder / "sweep.json")
    write_text(folder / "sweep.md", text)
    write_bytes(folder / "sweep.png", drawing.to_png(charts.sweep(rows)))
    print(text, flush=True)


def distance_to_val(run: Run) -> Callable[[np.ndarray], KernelDistance]:
    """Returns images u8[N,S,S,C] -> their distance to `val`.

    It is taken in the features of a network that has learned `fit` and not `val`: a generator that
    copies `fit` gains nothing by it.
    """
    variables = trainings.load_variables(run.compiled.feature_programs, run.workdir.features)
    training = feature_net.training(run.settings.data.image_size)
    features_of = feature_net.make_features(training.batch_size)
    reference = features_of(variables, run.inputs.parts.val.images)
    return lambda images: kernel_distance(features_of(variables, images), reference)


def _check(run: Run) -> None:
    num_val = len(run.inputs.planned_split.parts.val)
    if num_val < LEAST_VAL:
        raise UserError(
            f"a sweep compares images with val, the real images that the generator has not "
            f"learned, and val has {num_val}: it takes {LEAST_VAL} or more; set "
            "--config.protocol=own --config.split.val_fraction=0.1"
        )


def _candidate(run: Run, sampler: str, steps: int) -> SampleSettings:
    return dataclasses.replace(run.settings.generate, sampler=sampler, steps=steps, eta=0.0)


def _make_compiled(run: Run) -> sweep.Compile:
    generators, per_class = diffusion.generator_of_label(run), run.settings.sweep.per_class

    def compiled(name: str, steps: int) -> tuple[sweep.Draw, int]:
        sample = _candidate(run, name, steps)
        sampler = sampling.Draw(sample, run.compiled.model, run.settings.generate.block)
        sampler.compile(generators[0][0])

        def draw(which: int) -> np.ndarray:
            # Other indices are other images: nothing is compiled again for another set.
            index = np.arange(per_class, dtype=np.int32) + which * per_class
            drawn = [
                sampler(params, np.full(len(index), label, np.int32), index)
                for params, label, _ in generators.values()
            ]
            return np.concatenate(drawn)

        return draw, sampler.evaluations

    return compiled


def _expect(run: Run) -> float:
    """The whole sweep: nothing is kept of one that was broken off."""
    settings, block = run.settings.sweep, run.settings.generate.block
    num_classes = len(run.inputs.class_names)
    images = num_classes * settings.seeds * -(-settings.per_class // block) * block
    evaluations = 0
    for sampler, steps in map(parse, settings.candidates):
        sample = _candidate(run, sampler, steps)
        evaluations += len(sampling.make_table(sample, run.compiled.model).t)
    return images * evaluations * timing.seconds_per_evaluation(run)


STAGE = Stage(
    "sweep",
    _run,
    fields=("sweep.", *(f"generate.{name}" for name in _DRAWING)),
    inputs=(features.STAGE, diffusion.STAGE),
    digests=lambda run: {base.CHOSEN_ON: "val"},
    check=_check,
    expect=_expect,
    optional=True,
)
