"""The stage that searches for better settings, on `fit` and `val`."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import shutil
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedKFold

from synthmed_jax import search
from synthmed_jax.classifiers import feature_net
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import TrainingSettings
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet, concatenate
from synthmed_jax.data.settings import FLIPS
from synthmed_jax.diffusion import sampling, schedule, train
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import Step, make_step_of_rate
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.files import sha256
from synthmed_jax.stages import classify, diffusion, features, generate, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# Guidance needs a model that also knows images of no class.
LABEL_DROPOUT = 0.1
# An epoch, and the loss on real images so far.
Report = Callable[[int, float], None]


class Target(NamedTuple):
    """What is searched.

    Attributes:
      space: the fields, and what they may be.
      objective: one trial.
      fixed: fields that the search needs at a value.
    """

    space: search.Space
    objective: search.Objective
    fixed: search.Fields


def searched(run: Run) -> str:
    """What the search is about: diffusion, or classifier/ and the network that it trains."""
    target = run.settings.tune.target
    first = run.settings.classifier.backbones[0]
    return f"{target}/{first}" if target == "classifier" else target


def _folder(run: Run) -> pathlib.Path:
    return run.workdir.tune / searched(run)


def _run(run: Run) -> None:
    """Searches, and writes the trials and the best settings as a config of their own."""
    settings, folder = run.settings.tune, _folder(run)
    target = TARGETS[settings.target](run)
    present = {field: run.settings.fields[field] for field in target.space}
    space = search.widened(target.space, present)
    study = search.search(settings, space, present, target.objective, folder)
    result = search.describe(
        study,
        searched=searched(run),
        loss="cross-entropy on fit and val",
        num_images=len(_real(run)),
        settings=settings,
    )
    result.write(folder / "search.json")
    # These are the fields as the protocol has left them; again, it would undo what was found.
    fields = {**run.settings.fields, "protocol": "own"}
    search.write_config(folder / "best.py", fields, {**target.fixed, **result.best.fields})
    print(f"tune: a run with --config={folder / 'best.py'} takes the best settings", flush=True)


def _real(run: Run) -> ImageSet:
    """What every trial is judged by: no classifier of a trial has learned from it."""
    return concatenate(run.inputs.parts.fit, run.inputs.parts.val)


def loss_on_real(
    programs: Programs,
    training: TrainingSettings,
    synthetic: ImageSet,
    real: ImageSet,
    report: Report,
) -> float:
    """Trains on all but one fold of a synthetic set; the lowest loss on real images of any epoch.

    Args:
      programs: the network's, made with these settings.
      synthetic, real: at the size that the network sees.
    """
    folds = StratifiedKFold(training.folds, shuffle=True, random_state=training.seed)
    train_indices, _ = next(folds.split(synthetic.labels, synthetic.labels))
    _, result = train_fold(
        programs,
        training,
        training.seed,
        synthetic.subset(train_indices),
        {"real": real},
        "real",
        "tune",
        report=lambda record: report(int(record["epoch"]), record["val_loss"]),
    )
    return result.val_loss


def _classifier(run: Run) -> Target:
    """The first network of the config, trained on the synthetic set."""
    present, inputs = run.settings.classifier, run.inputs
    space: search.Space = {
        "classifier.learning_rate": search.Range(3e-5, 3e-3, log=True),
        "classifier.weight_decay": search.Range(1e-4, 0.3, log=True),
        "classifier.label_smoothing": search.Range(0.0, 0.2),
        "classifier.batch_size": (
            present.batch_size // 2,
            present.batch_size,
            present.batch_size * 2,
        ),
        "classifier.shift": tuple(sorted({0, present.shift, 2 * present.shift})),
        # What anatomy allows is the config's to say: nothing is flipped that it does not flip.
        "classifier.flips": FLIPS[: FLIPS.index(present.flips) + 1],
    }

    def objective(values: search.Fields, report: Report) -> float:
        named = {field.removeprefix("classifier."): value for field, value in values.items()}
        training = dataclasses.replace(present, **named)
        programs = run.compiled.programs_of(present.backbones[0])
        synthetic, real = map(inputs.at_network_size, (inputs.synthetic, _real(run)))
        return loss_on_real(programs, training, synthetic, real, report)

    return Target(space, objective, {})


def _diffusion(run: Run) -> Target:
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
        steps = schedule.make_schedule(
            name, settings.num_steps, zero_terminal_snr=settings.zero_terminal_snr
        )
        model = dataclasses.replace(run.compiled.model, schedule=steps)
        return model, make_step_of_rate(same, model)

    def objective(values: search.Fields, report: Report) -> float:
        rate = values["diffusion.train.learning_rate"]
        model, step_of_rate = on_schedule(values["diffusion.noise_schedule"])
        of_trial, step = dataclasses.replace(same, learning_rate=rate), step_of_rate(rate)
        # Named by what it is, so that a search that was broken off goes on inside its trial.
        name = sha256(repr(sorted(values.items())).encode())[:16]
        folder = _folder(run) / "trials" / name
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
        return loss_on_real(run.compiled.feature_programs, training, drawn, _real(run), report)

    return Target(space, objective, {"diffusion.train.label_dropout": label_dropout})


TARGETS: dict[str, Callable[[Run], Target]] = {
    "classifier": _classifier,
    "diffusion": _diffusion,
}


def _expect(run: Run) -> float:
    """Trials as long as the present settings', and none cut short."""
    tune = run.settings.tune
    left = tune.trials - search.count_finished(tune, _folder(run))
    if left <= 0:
        return 0.0
    parts, num_classes = run.inputs.planned_split.parts, len(run.inputs.class_names)
    num_real = len(parts.fit) + len(parts.val)
    if tune.target == "classifier":
        images, folds = sum(run.inputs.synthetic_counts), run.settings.classifier.folds
        timer = classify.timer(run, run.settings.classifier.backbones[0])
        return left * timer.seconds_per_training(images * (folds - 1) // folds, num_real)
    images = tune.per_class * num_classes
    folds = feature_net.training(run.settings.data.image_size).folds
    timer = features.timer(run)
    seconds = timer.seconds_per_training(images * (folds - 1) // folds, num_real)
    seconds += tune.steps * timing.seconds_per_diffusion_step(run)
    seconds += images * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)
    return left * seconds


def _check(run: Run) -> None:
    if run.settings.tune.target == "diffusion":
        diffusion.check_attention(run)


def _inputs_if(run: Run) -> tuple[Stage, ...]:
    return (generate.STAGE,) if run.settings.tune.target == "classifier" else ()


STAGE = Stage(
    "tune",
    _run,
    fields=("tune.", "diffusion.", "generate.", "classifier."),
    ignored=(
        "tune.target",
        "tune.trials",
        "generate.block",
        *diffusion.HARMLESS,
        *classify.CELL_FIELDS,
    ),
    inputs=(split.STAGE,),
    inputs_if=_inputs_if,
    recorded=("**/search.json", "**/best.py"),
    inherited=False,  # its journal is appended to
    digests=classify.weights_digest,
    units=lambda run: (f"{searched(run)} {run.settings.tune.trials}",),
    adds=True,
    check=_check,
    expect=_expect,
    optional=True,
)
