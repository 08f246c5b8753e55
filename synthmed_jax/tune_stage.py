"""The stage that searches for better settings, on `fit` and `val`."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from synthmed_jax import search
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import ClassifierSettings
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.pipeline import FLIPS
from synthmed_jax.diffusion import sampling, schedule
from synthmed_jax.diffusion import train as diffusion_train
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import Step, make_step_of_rate
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.experiment import Run
from synthmed_jax.files import write_json

# Guidance needs a model that also knows images of no class.
LABEL_DROPOUT = 0.1


def run_tune(run: Run) -> None:
    """Searches, and writes the trials and the best settings as a config of their own."""
    settings = run.settings.tune
    folder = run.search_folder
    space, objective, fixed = TARGETS[settings.target](run)
    present = {field: run.settings.fields[field] for field in space}
    study = search.search(settings, _widened(space, present), present, objective, folder)
    facts = {
        "searched": run.searched,
        "loss": "cross-entropy on fit and val",
        "num_images": len(_real(run)),
        "seed": settings.seed,
        "sampler": settings.sampler,
    }
    found = search.describe(study)
    write_json(folder / "search.json", facts | found)
    # These are the fields as the protocol has left them; again, it would undo what was found.
    fields = {**run.settings.fields, "protocol": "own"}
    search.write_config(folder / "best.py", fields, fixed | found["best"]["fields"])
    print(f"tune: a run with --config={folder / 'best.py'} takes the best settings", flush=True)


def _widened(space: search.Space, present: dict[str, Any]) -> search.Space:
    """The space with the present values in it."""
    wide: dict[str, Any] = {}
    for field, values in space.items():
        value = present[field]
        if isinstance(values, search.Range):
            low, high = min(values.low, value), max(values.high, value)
            wide[field] = search.Range(low, high, values.log)
        else:
            wide[field] = values if value in values else (value, *values)
    return wide


def _real(run: Run) -> ImageSet:
    """What every trial is judged by: no classifier of a trial has learned from it."""
    fit, val = run.parts.fit, run.parts.val
    return ImageSet(
        np.concatenate([fit.images, val.images]),
        np.concatenate([fit.labels, val.labels]),
        fit.files + val.files,
        fit.class_names,
    )


def _loss_on_real(
    run: Run,
    programs: Programs,
    settings: ClassifierSettings,
    synthetic: ImageSet,
    report: Callable[[int, float], None],
) -> float:
    """Trains on four fifths of a synthetic set; the lowest loss on real images of any epoch."""
    folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    train, _ = next(folds.split(synthetic.labels, synthetic.labels))
    _, result = train_fold(
        programs,
        settings,
        settings.seed,
        run.resize(synthetic.subset(train)),
        {"real": run.resize(_real(run))},
        "real",
        "tune",
        report=lambda record: report(int(record["epoch"]), record["val_loss"]),
    )
    return result.val_loss


def _classifier(run: Run) -> tuple[search.Space, search.Objective, dict[str, Any]]:
    """The first network of the config, trained on the synthetic set."""
    own = run.settings.classifier
    space: dict[str, Any] = {
        "classifier.learning_rate": search.Range(3e-5, 3e-3, log=True),
        "classifier.weight_decay": search.Range(1e-4, 0.3, log=True),
        "classifier.label_smoothing": search.Range(0.0, 0.2),
        "classifier.batch_size": (own.batch_size // 2, own.batch_size, own.batch_size * 2),
        "classifier.shift": tuple(sorted({0, own.shift, 2 * own.shift})),
        # What anatomy allows is the config's to say: nothing is flipped that it does not flip.
        "classifier.flips": FLIPS[: FLIPS.index(own.flips) + 1],
    }

    def objective(values: dict[str, Any], report: Callable[[int, float], None]) -> float:
        named = {field.removeprefix("classifier."): value for field, value in values.items()}
        settings = dataclasses.replace(own, **named)
        programs = run.programs_of(run.settings.backbones[0])
        return _loss_on_real(run, programs, settings, run.synthetic, report)

    return space, objective, {}


def _diffusion(run: Run) -> tuple[search.Space, search.Objective, dict[str, Any]]:
    """A generator trained for `tune.steps`; a small network is trained on what it draws."""
    s = run.settings
    if len(run.portions) > 1:
        raise UserError(
            "config.tune.target=diffusion searches one model of all classes: set "
            "config.diffusion.conditioning=class"
        )
    space: dict[str, Any] = {
        "diffusion.schedule": tuple(schedule.SCHEDULES),
        "diffusion.train.learning_rate": search.Range(1e-4, 3e-3, log=True),
        "generate.steps": tuple(sorted({min(n, s.num_steps) for n in (15, 25, 50)})),
        "generate.guidance": search.Range(1.0, 3.0),
    }
    fixed = {"diffusion.train.label_dropout": max(LABEL_DROPOUT, s.train.label_dropout)}
    (portion,) = run.portions
    count = len(portion.fit.class_names)
    label = np.repeat(np.arange(count, dtype=np.int32), s.tune.per_class)
    index = np.tile(np.arange(s.tune.per_class, dtype=np.int32), count)
    files = tuple(str(i) for i in range(len(label)))

    same = dataclasses.replace(
        s.train,
        steps=s.tune.steps,
        warmup_steps=min(s.train.warmup_steps, s.tune.steps // 10),
        ema_half_lives=(max(1, s.tune.steps // 10),),
        label_dropout=fixed["diffusion.train.label_dropout"],
    )

    @functools.cache
    def on_schedule(name: str) -> tuple[Model, Callable[[float], Step]]:
        """Trials differ in the rate too, but what is compiled does not."""
        steps = schedule.make_schedule(name, s.num_steps, zero_terminal_snr=s.zero_terminal_snr)
        model = dataclasses.replace(run.model, schedule=steps)
        return model, make_step_of_rate(same, model)

    def objective(values: dict[str, Any], report: Callable[[int, float], None]) -> float:
        rate = values["diffusion.train.learning_rate"]
        model, step_of_rate = on_schedule(values["diffusion.schedule"])
        train, step = dataclasses.replace(same, learning_rate=rate), step_of_rate(rate)
        # Named by what it is, so that a search that was broken off goes on inside its trial.
        name = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]
        folder = run.search_folder / "trials" / name
        try:
            diffusion_train.train(train, step, model, s.augmentation, portion.fit, None, folder)
        except Diverged:
            shutil.rmtree(folder)
            raise
        params, _ = diffusion_train.load_best(train, model, folder)
        shutil.rmtree(folder)
        sample = dataclasses.replace(
            s.sample, steps=values["generate.steps"], guidance=values["generate.guidance"]
        )
        images = sampling.Draw(sample, model, s.block)(params, label, index)
        drawn = ImageSet(images, label, files, portion.fit.class_names)
        return _loss_on_real(run, run.feature_programs, s.classifier, drawn, report)

    return space, objective, fixed


TARGETS: dict[str, Callable[[Run], tuple[search.Space, search.Objective, dict[str, Any]]]] = {
    "classifier": _classifier,
    "diffusion": _diffusion,
}
