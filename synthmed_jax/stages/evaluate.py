"""The stage of the honest test: networks on real images, and how near synthetic ones come."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from synthmed_jax import best_cells
from synthmed_jax.arms import ARMS, REAL, SYNTHETIC
from synthmed_jax.classifiers import trainings
from synthmed_jax.classifiers.inputs import resize
from synthmed_jax.data import held_out
from synthmed_jax.diffusion import likelihood
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.estimands import declared
from synthmed_jax.evaluation import floors, memorisation, on_real_images, without_duplicates
from synthmed_jax.report import without_duplicates_text
from synthmed_jax.results.cells import Cell, FoldResult
from synthmed_jax.results.evaluation import BestNetwork, Evaluation
from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.section import FILE
from synthmed_jax.stages import base, classify, diffusion, external, generate, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# Side of the images that floors see, at most, so that they take seconds. On the three real sets
# forests score at 64 pixels what they do at 32, to 1.5 points; the outermost ring tells less there.
FLOOR_SIDE = 32


def _run(run: Run) -> None:
    """Tests the classifiers on the held-out images, and measures the synthetic ones."""
    inputs, settings = run.inputs, run.settings
    test = held_out.read_test(run.workdir.split, inputs.data)
    groups = held_out.read_test_groups(run.workdir.split)
    references, trained = _references(run, groups), functools.partial(_trained, run)
    evaluation, hits = on_real_images.evaluate_cells(
        inputs.at_network_size(test),
        classify.cells(run),
        len(settings.classifier.trainings),
        trained,
        run.workdir.evaluate,
        dataset=settings.data.name,
        seed=settings.classifier.seed,
        references=references,
    )
    side = min(FLOOR_SIDE, inputs.data.image_shape[0])
    training = {REAL: resize(inputs.parts.fit, side), SYNTHETIC: resize(inputs.synthetic, side)}
    floors.measure_floors(
        training,
        resize(test, side),
        floors.answers_to_beat(evaluation.cells, hits),
        groups,
        settings.classifier.seed,
    ).write(run.workdir.floors)
    external.measure(run, references, trained, training, test, evaluation)
    new = held_out.has_no_duplicate(run.workdir.split, inputs.data, settings.split)
    beside = without_duplicates.score_new(run.workdir.evaluate, classify.cells(run), test, new)
    beside.write(run.workdir.without_duplicates)
    leakage = Leakage.read_if_there(run.workdir.leakage)
    twins_alone = leakage is not None and leakage.near_unsearched
    section = without_duplicates_text.to_section(beside, twins_alone=twins_alone)
    section.write(run.workdir.evaluate / FILE)
    parts = inputs.parts
    fidelity = memorisation.measure_fidelity(
        inputs.synthetic, parts.val, parts.fit, settings.diffusion.flips, _bits(run)
    )
    fidelity.write(run.workdir.fidelity)


def is_evaluated(run: Run, arm: str) -> bool:
    """Whether the last evaluation tested a network of an arm."""
    found = Evaluation.read_if_there(run.workdir.evaluation)
    return found is not None and best_cells.of_arm(found.cells, arm) is not None


def best_network(run: Run, arm: str) -> BestNetwork:
    """The best network of an arm by validation, among those of the last evaluation.

    Raises:
      FileNotFoundError: there was none.
      UserError: it tested no network of that arm.
    """
    cells = Evaluation.read(run.workdir.evaluation).cells
    if best_cells.of_arm(cells, arm) is None:
        raise UserError(
            f"the last evaluation tested no network of the arm {arm!r}: name it in "
            "config.classifier.arms, and run classify and evaluate too"
        )
    return best_cells.network(cells, arm)


def declare(run: Run) -> None:
    """Says what will be estimated, before any work."""
    if not base.is_finished(run, STAGE):
        settings = run.settings
        for sentence in declared(settings.classifier.arms, settings.evaluate.margin):
            print(sentence, flush=True)


def _references(run: Run, groups: np.ndarray | None) -> on_real_images.References:
    inputs = run.inputs

    def shares(labels: np.ndarray) -> np.ndarray:
        return np.bincount(labels, minlength=len(inputs.class_names)) / len(labels)

    return on_real_images.References(
        val=inputs.at_network_size(inputs.parts.val),
        trained_shares={
            cell: shares(ARMS[cell.arm].sizes(classify.materials_of(cell, inputs.materials)).labels)
            for cell in classify.cells(run)
        },
        expected_shares=shares(inputs.parts.fit.labels),
        groups=groups,
        margin=run.settings.evaluate.margin,
        of_folds=not run.settings.classifier.seeds,
    )


def _trained(
    run: Run, cell: Cell, number: int
) -> tuple[FoldResult, Callable[[], on_real_images.Predict]]:
    folder = cell.folder(run.workdir.classify, run.settings.classifier.trainings[number])

    def load() -> on_real_images.Predict:
        programs = run.compiled.programs_of(cell.backbone)
        return functools.partial(programs.predict, trainings.load_variables(programs, folder))

    try:
        return FoldResult.read_fold(folder), load
    except FileNotFoundError as error:
        raise Damaged(folder / "result.json", "is gone") from error


def _bits(run: Run) -> dict[str, BitsPerDimension]:
    return {
        portion.folder or "all": likelihood.bits_per_dimension(
            run.compiled.model,
            params,
            portion.val,
            run.settings.diffusion.train.batch_size,
            run.settings.generate.seed,
        )
        for portion, params, _ in diffusion.trained_generators(run)
        if len(portion.val)
    }


STAGE = Stage(
    "evaluate",
    _run,
    fields=("evaluate.",),
    # Which other tree is tested on is a unit of work.
    ignored=external.FIELDS,
    inputs=(split.STAGE, classify.STAGE),
    check=external.check,
    # How near the synthetic images come is measured on all of them.
    units=lambda run: (
        *classify.units(run),
        *generate.images_per_class(run),
        *external.units(run),
    ),
)
