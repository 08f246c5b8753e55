"""The stages around the generator: its features, training, images, and the sweep over samplers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from synthmed_jax.classifiers import cross_validate, feature_net
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import generate, sampling, sweep, validate
from synthmed_jax.diffusion import train as diffusion_train
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import frechet, memorisation
from synthmed_jax.experiment import Run
from synthmed_jax.files import write_bytes, write_json, write_text
from synthmed_jax.report import charts
from synthmed_jax.report.drawing import to_png
from synthmed_jax.results.stored import structure
from synthmed_jax.results.sweep import SweepRow


def run_diffusion(run: Run) -> None:
    """Trains every model that has not ended."""
    for portion in run.portions:
        if portion.folder:
            print(f"diffusion: {portion.folder}", flush=True)
        diffusion_train.train(
            run.settings.train,
            run.diffusion_step,
            run.model,
            run.settings.augmentation,
            portion.fit,
            _validation(run, portion) if len(portion.val) else None,
            run.diffusion_folder(portion),
        )


def _validation(run: Run, portion: Portion) -> diffusion_train.Validate:
    """What is measured on a portion's `val`: its samples are few, and drawn in few steps."""
    train = run.settings.train
    settings = dataclasses.replace(
        run.settings.sample,
        sampler="dpm_solver_pp",
        steps=min(validate.NEARNESS_STEPS, run.settings.num_steps),
        eta=0.0,
    )
    loss = validate.make_val_loss(run.model, portion.val, train.batch_size, train.seed + 2)
    draw = sampling.Draw(settings, run.model, validate.NEARNESS_SAMPLES)
    nearness = memorisation.nearness_to(portion.fit, portion.val, run.settings.augmentation.flips)
    num_labels = len(portion.fit.class_names)
    return diffusion_train.Validate(
        loss, lambda params: validate.measure_nearness(draw, nearness, params, num_labels)
    )


def trained_generators(run: Run) -> list[tuple[Portion, Any, str]]:
    """Every diffusion model: its portion, weights and sha256."""
    return [
        (
            portion,
            *diffusion_train.load_best(
                run.settings.train, run.model, run.diffusion_folder(portion)
            ),
        )
        for portion in run.portions
    ]


def run_features(run: Run) -> None:
    """Trains the network in whose features sets of images are compared, on `fit`."""
    settings = run.settings.classifier
    fit, val = run.resize(run.parts.fit), run.resize(run.parts.val)
    if not len(val):
        raise UserError(
            "the feature network stops on `val`, which is empty: set config.split.val_fraction=0.1"
        )
    train_fold(
        run.feature_programs,
        settings,
        settings.seed,
        fit,
        {"real_val": val},
        "real_val",
        "features",
        folder=run.workdir / "features",
    )


def run_sweep(run: Run) -> None:
    """Compares samplers and steps on the trained model, against `fit` and `val`."""
    settings, folder = run.settings.sweep, run.workdir / "sweep"
    names = run.data.images.class_names
    variables = cross_validate.load_variables(run.feature_programs, run.workdir / "features")
    features_of = feature_net.make_features(run.settings.classifier.batch_size)

    def moments(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
        return frechet.moments(features_of(variables, run.resize(images).images))

    fit, val = run.parts.fit, run.parts.val
    real = _as_set(np.concatenate([fit.images, val.images]), names)
    # Refused here, before hours of drawing.
    real_moments = moments(real)
    frechet.check_count(settings.per_class * len(names), feature_net.FEATURES)
    generator = _generator_of(run)

    def compiled(name: str, steps: int) -> tuple[sweep.Draw, int]:
        sample = dataclasses.replace(run.settings.sample, sampler=name, steps=steps, eta=0.0)
        sampler = sampling.Draw(sample, run.model, run.settings.block)
        sampler.compile(generator[0][0])

        def draw(which: int) -> np.ndarray:
            # Other indices are other images: nothing is compiled again for another set.
            index = np.arange(settings.per_class, dtype=np.int32) + which * settings.per_class
            drawn = [
                sampler(params, np.full(len(index), own, np.int32), index)
                for params, own, _ in generator.values()
            ]
            return np.concatenate(drawn)

        return draw, sampler.evaluations

    rows = sweep.compare(
        settings,
        compiled,
        lambda images: frechet.distance(moments(_as_set(images, names)), real_moments),
        memorisation.nearness_to(fit, val, run.settings.augmentation.flips),
    )
    facts = {
        "features": f"{feature_net.FEATURES}, of a network trained on fit",
        "num_real": len(real),
        "num_synthetic": settings.per_class * len(names),
        "seeds": settings.seeds,
        "rows": rows,
    }
    write_json(folder / "sweep.json", facts)
    write_text(folder / "sweep.md", sweep.to_markdown(rows))
    typed = structure(rows, tuple[SweepRow, ...], "the rows of this sweep")
    write_bytes(folder / "sweep.png", to_png(charts.sweep(typed)))
    print(sweep.to_markdown(rows), flush=True)


def _as_set(images: np.ndarray, class_names: tuple[str, ...]) -> ImageSet:
    """Images whose labels and names do not matter."""
    files = tuple(str(i) for i in range(len(images)))
    return ImageSet(images, np.zeros(len(images), np.int32), files, class_names)


def _generator_of(run: Run) -> dict[int, tuple[Any, int, str]]:
    """Label of the data set -> (weights, label in their model, their sha256)."""
    found = {
        label: (params, own, sha256)
        for portion, params, sha256 in trained_generators(run)
        for label, own in portion.labels.items()
    }
    return dict(sorted(found.items()))


def run_generate(run: Run) -> None:
    """Draws the synthetic set."""
    generator = _generator_of(run)

    def draw_class(label: int, index: np.ndarray) -> np.ndarray:
        params, own, _ = generator[label]
        return run.draw(params, np.full(len(index), own, np.int32), index)

    generate.generate(
        draw_class,
        run.settings.sample,
        run.settings.block,
        run.data.images.class_names,
        run.settings.per_class,
        tuple(sha256 for _, _, sha256 in generator.values()),
        run.workdir / "synthetic",
    )
