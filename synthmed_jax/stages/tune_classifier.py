"""The part of `tune` that searches a classifier's settings, for each arm apart."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

from synthmed_jax import search
from synthmed_jax.arms import ARMS
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import FLIPS
from synthmed_jax.stages import classify
from synthmed_jax.stages.run import Run
from synthmed_jax.stages.trials import Report, Searched, Target, loss_on_real, real_images


def _folders(run: Run) -> tuple[str, ...]:
    """One search for each arm, all of as many trials."""
    return tuple(_folder_of(run, arm) for arm in _arms(run))


def _arms(run: Run) -> tuple[str, ...]:
    """The arms that have something to learn: no setting suits shuffled labels."""
    return tuple(arm for arm in run.settings.classifier.arms if ARMS[arm].learns)


def _folder_of(run: Run, arm: str) -> str:
    return f"{_network(run)}/{arm}"


def _network(run: Run) -> str:
    return f"classifier/{run.settings.classifier.backbones[0]}"


def _targets(run: Run) -> Iterator[Target]:
    """The first network of the config, on each arm: a network's settings suit what it learns."""
    present = run.settings.classifier
    space: search.Space = {
        "classifier.learning_rate": search.Range(3e-5, 3e-3, log=True),
        "classifier.weight_decay": search.Range(1e-4, 0.3, log=True),
        "classifier.label_smoothing": search.Range(0.0, 0.2),
        "classifier.batch_size": tuple(
            sorted({max(1, present.batch_size // 2), present.batch_size, present.batch_size * 2})
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
        return inputs.at_network_size(learned), inputs.at_network_size(real_images(run))

    def objective(values: search.Fields, report: Report) -> float:
        named = {field.removeprefix("classifier."): value for field, value in values.items()}
        training = dataclasses.replace(present, **named)
        programs = run.compiled.programs_of(present.backbones[0])
        generator, drawn_size = run.settings.diffusion, run.settings.data.image_size
        augmentation = classify.augmentation_of(training, generator, arm, drawn_size)
        return loss_on_real(programs, training, *images(), report, augmentation)

    return objective


def _seconds(run: Run) -> dict[str, float]:
    """A trial as long as the present settings', and not cut short."""
    num_val = len(run.inputs.planned_split.parts.val)
    timer = classify.timer(run, run.settings.classifier.backbones[0])
    materials = run.inputs.planned_materials
    return {
        _folder_of(run, arm): timer.seconds_per_training(
            len(ARMS[arm].sizes(materials).labels), num_val
        )
        for arm in _arms(run)
    }


CLASSIFIER = Searched(_folders, _targets, _seconds)
