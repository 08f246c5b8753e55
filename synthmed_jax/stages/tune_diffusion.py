"""The part of `tune` that searches a generator's settings, by what a network learns from it."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator

import numpy as np

from synthmed_jax import hosts, search
from synthmed_jax.classifiers import feature_net
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import sampling, schedule, train
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import Step, make_step_of_rate
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.files import sha256
from synthmed_jax.stages import diffusion, features, timing
from synthmed_jax.stages.run import Run
from synthmed_jax.stages.trials import Report, Searched, Target, loss_on_real, real_images

# Guidance needs a model that also knows images of no class.
LABEL_DROPOUT = 0.1
_FOLDER = "diffusion"


def _targets(run: Run) -> Iterator[Target]:
    """A generator trained for `tune.steps`; a small network is trained on what it draws."""
    tune, settings, sample = run.settings.tune, run.settings.diffusion, run.settings.generate
    if len(run.inputs.portions) > 1:
        raise UserError(
            "config.tune.target=diffusion searches one model of all classes: set "
            "config.diffusion.conditioning=class"
        )
    space: search.Space = {
        "diffusion.noise_schedule": tuple(schedule.SCHEDULES),
        "diffusion.train.learning_rate": search.Range(1e-4, 3e-3, log=True),
        "generate.steps": tuple(sorted({min(n, settings.num_steps) for n in (15, 25, 50)})),
        "generate.guidance": search.Range(1.0, 3.0),
    }
    label_dropout = max(LABEL_DROPOUT, settings.train.label_dropout)
    (portion,) = run.inputs.portions
    count = len(portion.fit.class_names)
    label = np.repeat(np.arange(count, dtype=np.int32), tune.per_class)
    index = np.tile(np.arange(tune.per_class, dtype=np.int32), count)
    files = tuple(str(i) for i in range(len(label)))
    same = dataclasses.replace(
        settings.train,
        steps=tune.steps,
        warmup_steps=min(settings.train.warmup_steps, tune.steps // 10),
        ema_half_lives=(max(1, tune.steps // 10),),
        label_dropout=label_dropout,
    )

    @functools.cache
    def on_schedule(name: str) -> tuple[Model, Callable[[float], Step]]:
        """Trials differ in the rate too, but what is compiled does not."""
        steps = dataclasses.replace(settings, noise_schedule=name).schedule
        model = dataclasses.replace(run.compiled.model, schedule=steps)
        return model, make_step_of_rate(same, model)

    def objective(values: search.Fields, report: Report) -> float:
        rate = values["diffusion.train.learning_rate"]
        model, step_of_rate = on_schedule(values["diffusion.noise_schedule"])
        of_trial, step = dataclasses.replace(same, learning_rate=rate), step_of_rate(rate)
        # Named by what it is, so that a search that was broken off goes on inside its trial.
        name = sha256(repr(sorted(values.items())).encode())[:16]
        folder = run.workdir.tune / _FOLDER / "trials" / name
        augmentation = settings.augmentation
        try:
            train.train(of_trial, step, model, augmentation, portion.fit, None, folder)
        except Diverged:
            shutil.rmtree(folder)
            raise
        params, _ = train.load_best(of_trial, model, folder)
        shutil.rmtree(folder)
        drawing = dataclasses.replace(
            sample, steps=values["generate.steps"], guidance=values["generate.guidance"]
        )
        images = sampling.Draw(drawing, model, sample.block)(params, label, index)
        drawn = ImageSet(images, label, files, portion.fit.class_names)
        training = feature_net.training(run.settings.data.image_size)
        return loss_on_real(
            run.compiled.feature_programs, training, drawn, real_images(run), report
        )

    fixed: search.Fields = {"diffusion.train.label_dropout": label_dropout}
    yield Target(_FOLDER, "diffusion", "", space, objective, fixed)


def _seconds(run: Run) -> dict[str, float]:
    """A trial as long as the present settings', and not cut short."""
    tune, num_val = run.settings.tune, len(run.inputs.planned_split.parts.val)
    images = tune.per_class * len(run.inputs.class_names)
    seconds = features.timer(run).seconds_per_training(images, num_val)
    # One host takes these steps alone.
    seconds += tune.steps * diffusion.seconds_per_step(run) * hosts.count()
    seconds += images * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)
    return {_FOLDER: seconds}


DIFFUSION = Searched(lambda run: (_FOLDER,), _targets, _seconds)
