"""The stage that trains the generator: one diffusion model, or one per class."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from synthmed_jax import checkpoint, hosts
from synthmed_jax.diffusion import kept, sampling, train, unet_settings, validate
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.evaluation import memorisation
from synthmed_jax.parallel import Tree
from synthmed_jax.stages import base, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# They change how a generator is trained, not what it becomes.
HARMLESS = tuple(
    f"diffusion.train.{name}" for name in ("log_every", "accumulate", "save_minutes", "keep_every")
)


def _run(run: Run) -> None:
    """Trains every model that has not ended."""
    settings = run.settings.diffusion
    for number, portion in enumerate(run.inputs.portions):
        if portion.folder:
            print(f"diffusion: {portion.folder}", flush=True)
        with base.helped(run, STAGE, portion=number):
            train.train(
                settings.train,
                run.compiled.diffusion_step,
                run.compiled.model,
                settings.augmentation,
                portion.fit,
                _validation(run, portion) if len(portion.val) else None,
                run.workdir.diffusion / portion.folder,
                base.fingerprint(run, STAGE).digest,
                run.events(run.workdir.diffusion / portion.folder),
                by_all_hosts=True,
            )


def _help(run: Run, task: Mapping[str, Any]) -> None:
    """Takes the steps of a portion's training, or those that are timed."""
    if "timed" in task:
        timing.help_to_time(run)
        return
    settings, portion = run.settings.diffusion, run.inputs.portions[task["portion"]]
    train.follow(
        settings.train,
        run.compiled.diffusion_step,
        run.compiled.model,
        settings.augmentation,
        portion.fit,
    )


def check_attention(run: Run) -> None:
    """Refuses self-attention at sides that no level has, but in a generator that was begun so.

    Earlier versions left it out in silence; their workdirs stay as they are.
    """
    unet, image_size = run.settings.diffusion.unet, run.settings.data.image_size
    missing = unet_settings.missing_sides(unet, image_size)
    if missing and run.workdir.marker("diffusion").exists():
        print(
            f"config.diffusion.unet.attention={unet.attention}: no level has the side "
            f"{missing[0]}, and this generator was begun without self-attention there",
            flush=True,
        )
        return
    unet_settings.check_attention(unet, image_size)


def _validation(run: Run, portion: Portion) -> train.Validate:
    """What is measured on a portion's `val`: its samples are few, and drawn in few steps."""
    settings, model = run.settings.diffusion, run.compiled.model
    sample = dataclasses.replace(
        run.settings.generate,
        sampler="dpm_solver_pp",
        steps=min(validate.NEARNESS_STEPS, settings.num_steps),
        eta=0.0,
    )
    # One host measures: of a batch for all hosts its devices may not have room for more.
    together = -(-settings.train.batch_size // hosts.count())
    loss = validate.make_val_loss(model, portion.val, together, settings.train.seed + 2)
    draw = sampling.Draw(sample, model, validate.NEARNESS_SAMPLES)
    nearness = memorisation.nearness_to(portion.fit, portion.val, settings.flips)
    num_labels = len(portion.fit.class_names)
    return train.Validate(
        loss, lambda params: validate.measure_nearness(draw, nearness, params, num_labels)
    )


def trained_generators(run: Run) -> list[tuple[Portion, Tree, str]]:
    """Every diffusion model: its portion, weights and their sha256."""
    settings, model = run.settings.diffusion.train, run.compiled.model
    return [
        (portion, *train.load_best(settings, model, run.workdir.diffusion / portion.folder))
        for portion in run.inputs.portions
    ]


def generator_of_label(run: Run) -> dict[int, tuple[Tree, int, str]]:
    """Label of the data set -> (weights, label in their model, sha256 of the weights)."""
    by_label = {
        label: (params, label_in_model, sha256)
        for portion, params, sha256 in trained_generators(run)
        for label, label_in_model in portion.labels.items()
    }
    return dict(sorted(by_label.items()))


def _forget(run: Run, path: pathlib.Path) -> None:
    """Removes a damaged checkpoint or log; best.json goes with them, which ends a training.

    Of weights that were kept to be looked back at, these alone go.
    """
    for folder in run.inputs.generator_folders:
        if path.is_relative_to(folder / kept.FOLDER):
            continue
        if path.is_relative_to(folder):
            base.remove(folder / "best.json")
    base.remove(path)


def seconds_per_step(run: Run) -> float:
    """One training step, timed with the help of all hosts of the run."""
    with base.helped(run, STAGE, timed="step"):
        return timing.seconds_per_diffusion_step(run)


def _expect(run: Run) -> float:
    settings, folders = run.settings.diffusion.train, run.inputs.generator_folders
    done = [
        settings.steps
        if (folder / "best.json").exists()
        else checkpoint.latest_step(folder / "checkpoints") or 0
        for folder in folders
    ]
    steps = len(folders) * settings.steps - sum(done)
    if not steps:
        return 0.0
    seconds = steps * seconds_per_step(run)
    num_val = len(run.inputs.planned_split.parts.val)
    if num_val:
        images = len(settings.ema_half_lives) * num_val / len(folders) * validate.NOISE_LEVELS
        images += validate.NEARNESS_SAMPLES * validate.NEARNESS_STEPS
        seconds += steps / settings.val_every * images * timing.seconds_per_evaluation(run)
    return seconds


STAGE = Stage(
    "diffusion",
    _run,
    fields=("diffusion.",),
    ignored=HARMLESS,
    inputs=(split.STAGE,),
    check=check_attention,
    expect=_expect,
    ends=("best.json",),
    forget=_forget,
    help=_help,
)
