"""The stage that searches for better settings, each trial judged on `val`.

The loss of the best settings is that on the images that they, and the best epoch of each training,
were chosen on. It is lower than on others, and never a test.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from synthmed_jax import search
from synthmed_jax.arms import ARMS
from synthmed_jax.classifiers import feature_net
from synthmed_jax.classifiers.programs import Programs
from synthmed_jax.classifiers.settings import TrainingSettings
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import FLIPS, Augmentation
from synthmed_jax.diffusion import sampling, schedule, train
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import Step, make_step_of_rate
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.files import sha256
from synthmed_jax.stages import base, classify, diffusion, features, generate, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# Guidance needs a model that also knows images of no class.
LABEL_DROPOUT = 0.1
# An epoch, and the loss on real images so far.
Report = Callable[[int, float], None]


# What a trial's loss is.
LOSS = (
    "lowest cross-entropy of any epoch; settings and epoch were chosen on these images, so it is "
    "no test"
)


class Target(NamedTuple):
    """One search.

    Attributes:
      folder: below tune/, and its name in the stage's units.
      searched: what is searched: "diffusion", or "classifier/" and the network.
      arm: what its classifiers are trained on; "" where a generator is searched.
      space: the fields, and what they may be.
      objective: one trial.
      fixed: fields that the search needs at a value.
    """

    folder: str
    searched: str
    arm: str
    space: search.Space
    objective: search.Objective
    fixed: search.Fields


def folders(run: Run) -> tuple[str, ...]:
    """Every search's folder below tune/: one, or one for each arm, all of as many trials."""
    if run.settings.tune.target == "diffusion":
        return ("diffusion",)
    return tuple(_folder_of(run, arm) for arm in _arms(run))


def _arms(run: Run) -> tuple[str, ...]:
    """The arms that have something to learn: no setting suits shuffled labels."""
    return tuple(arm for arm in run.settings.classifier.arms if ARMS[arm].learns)


def _folder_of(run: Run, arm: str) -> str:
    return f"{_network(run)}/{arm}"


def _network(run: Run) -> str:
    return f"classifier/{run.settings.classifier.backbones[0]}"


def _run(run: Run) -> None:
    """Searches, and writes the trials and the best settings as a config of their own."""
    settings = run.settings.tune
    for target in TARGETS[settings.target](run):
        print(f"tune: {target.folder}, {settings.trials} trials", flush=True)
        folder = run.workdir.tune / target.folder
        present = {field: run.settings.fields[field] for field in target.space}
        space = search.widened(target.space, present)
        study = search.search(settings, space, present, target.objective, folder)
        result = search.describe(
            study,
            searched=target.searched,
            arm=target.arm,
            loss=LOSS,
            judged_on="val",
            num_images=len(_real(run)),
            settings=settings,
        )
        result.write(folder / "search.json")
        # These are the fields as the protocol has left them; again, it would undo what was found.
        fields = {**run.settings.fields, "protocol": "own"}
        search.write_config(folder / "best.py", fields, {**target.fixed, **result.best.fields})
        of_arm = f" of the arm {target.arm}" if target.arm else ""
        print(
            f"tune: a run with --config={folder / 'best.py'} takes the best settings{of_arm}. "
            f"Their loss, {result.best.loss:.4f}, is on the {result.num_images} val images that "
            "they were chosen on: it is no test",
            flush=True,
        )


def _real(run: Run) -> ImageSet:
    """What every trial is judged by: neither a generator nor a classifier has learned from it."""
    return run.inputs.parts.val


def loss_on_real(
    programs: Programs,
    training: TrainingSettings,
    learned: ImageSet,
    real: ImageSet,
    report: Report,
    augmentation: Augmentation | None = None,
) -> float:
    """Trains on a whole training set; the lowest loss on real images of any epoch.

    Args:
      programs: the network's, made with these settings.
      learned, real: at the size that the network sees.
      augmentation: of what is learned; None: the settings' own flips and shift.
    """
    _, result = train_fold(
        programs,
        training,
        training.seed,
        learned,
        {"real": real},
        "real",
        "tune",
        report=lambda record: report(int(record["epoch"]), record["val_loss"]),
        augmentation=augmentation,
    )
    return result.val_loss


def _classifiers(run: Run) -> Iterator[Target]:
    """The first network of the config, on each arm: a network's settings suit what it learns."""
    present = run.settings.classifier
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
    for arm in _arms(run):
        objective = _of_arm(run, arm)
        yield Target(_folder_of(run, arm), _network(run), arm, space, objective, {})


def _of_arm(run: Run, arm: str) -> search.Objective:
    present, inputs = run.settings.classifier, run.inputs

    @functools.cache
    def images() -> tuple[ImageSet, ImageSet]:
        """What is learned and what judges, made once for all trials."""
        learned = ARMS[arm].build(inputs.materials).images
        return inputs.at_network_size(learned), inputs.at_network_size(_real(run))

    def objective(values: search.Fields, report: Report) -> float:
        named = {field.removeprefix("classifier."): value for field, value in values.items()}
        training = dataclasses.replace(present, **named)
        programs = run.compiled.programs_of(present.backbones[0])
        augmentation = classify.augmentation_of(training, run.settings.diffusion, arm)
        return loss_on_real(programs, training, *images(), report, augmentation)

    return objective


def _diffusion(run: Run) -> Iterator[Target]:
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
        folder = run.workdir.tune / "diffusion" / "trials" / name
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

    fixed: search.Fields = {"diffusion.train.label_dropout": label_dropout}
    yield Target("diffusion", "diffusion", "", space, objective, fixed)


TARGETS: dict[str, Callable[[Run], Iterator[Target]]] = {
    "classifier": _classifiers,
    "diffusion": _diffusion,
}


def _expect(run: Run) -> float:
    """Trials as long as the present settings', and none cut short."""
    tune, num_val = run.settings.tune, len(run.inputs.planned_split.parts.val)
    left = {
        folder: max(0, tune.trials - search.count_finished(run.workdir.tune / folder))
        for folder in folders(run)
    }
    if not any(left.values()):
        return 0.0
    if tune.target == "classifier":
        timer = classify.timer(run, run.settings.classifier.backbones[0])
        materials = run.inputs.planned_materials
        return sum(
            left[_folder_of(run, arm)]
            * timer.seconds_per_training(len(ARMS[arm].sizes(materials).labels), num_val)
            for arm in _arms(run)
        )
    images = tune.per_class * len(run.inputs.class_names)
    seconds = features.timer(run).seconds_per_training(images, num_val)
    seconds += tune.steps * timing.seconds_per_diffusion_step(run)
    seconds += images * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)
    return sum(left.values()) * seconds


def _check(run: Run) -> None:
    if run.settings.tune.target == "diffusion":
        diffusion.check_attention(run)
    if not len(run.inputs.planned_split.parts.val):
        raise UserError(
            "tune judges its trials on val, the real images that the generator has not learned, "
            "and val is empty: set --config.protocol=own --config.split.val_fraction=0.1"
        )


def _digests(run: Run) -> dict[str, str]:
    return {base.CHOSEN_ON: "val", **classify.weights_digest(run)}


def _inputs_if(run: Run) -> tuple[Stage, ...]:
    if run.settings.tune.target != "classifier":
        return ()
    return (generate.STAGE, *classify.filtered(run))


STAGE = Stage(
    "tune",
    _run,
    fields=("tune.", "diffusion.", "generate.", "classifier."),
    ignored=(
        "tune.target",
        "tune.trials",
        "generate.block",
        "generate.filter",
        *diffusion.HARMLESS,
        *classify.CELL_FIELDS,
    ),
    inputs=(split.STAGE,),
    inputs_if=_inputs_if,
    recorded=("**/search.json", "**/best.py"),
    inherited=False,  # its journal is appended to
    digests=_digests,
    units=lambda run: tuple(f"{name} {run.settings.tune.trials}" for name in folders(run)),
    adds=True,
    check=_check,
    expect=_expect,
    optional=True,
)
