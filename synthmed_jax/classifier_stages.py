"""The stages around the classifiers: their training, the honest test, and the explanations."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from typing import Any

import numpy as np

from synthmed_jax import diffusion_stages
from synthmed_jax.classifiers import cross_validate
from synthmed_jax.diffusion import likelihood
from synthmed_jax.evaluation import memorisation, on_real_images
from synthmed_jax.experiment import Run
from synthmed_jax.explain import gallery
from synthmed_jax.explain.predictor import Logits
from synthmed_jax.explain.remembered import RememberedPredictor
from synthmed_jax.files import read_json, write_json


def check_classify(run: Run) -> None:
    """Whether every cell can be cross-validated, known before anything is trained."""
    names, planned = run.data.images.class_names, run.planned_split
    groups = None if planned.groups is None else planned.groups[planned.fit]
    training_sets = {
        "synthetic": (np.repeat(np.arange(len(names)), run.settings.per_class), None),
        "real": (run.data.images.labels[planned.fit], groups),
    }
    for cell in run.cells:
        labels, of_labels = training_sets[cell.arm]
        cross_validate.check(
            run.settings.classifier, cell, labels, names, len(planned.val), of_labels
        )


def run_classify(run: Run) -> None:
    """Trains every fold of every cell that has no result yet."""
    training_sets = {
        "synthetic": lambda: (run.synthetic, None),
        "real": lambda: (run.parts.fit, run.parts.fit_groups),
    }
    for cell in run.cells:
        images, groups = training_sets[cell.arm]()
        cross_validate.cross_validate(
            run.programs_of(cell.backbone),
            run.settings.classifier,
            cell,
            run.resize(images),
            run.resize(run.parts.val),
            run.workdir / "classify",
            groups,
        )


def _trained(run: Run, cell: dict[str, Any], fold: int) -> tuple[dict[str, Any], Any]:
    """A fold's result.json, and its predict function u8[N,S,S,C] -> f32[N,K]."""
    folder = cross_validate.fold_folder(run.workdir / "classify", cross_validate.Cell(**cell), fold)
    programs = run.programs_of(cell["backbone"])
    variables = cross_validate.load_variables(programs, folder)
    result = read_json(folder / "result.json")
    return result, functools.partial(programs.predict, variables)


def run_evaluate(run: Run) -> None:
    """Tests the classifiers on the real test images, and measures the synthetic ones."""
    directory = run.workdir / "evaluate"
    on_real_images.evaluate_cells(
        run.split_path,
        run.data.images,
        run.resize,
        [dataclasses.asdict(cell) for cell in run.cells],
        run.settings.classifier.folds,
        functools.partial(_trained, run),
        directory,
        {"dataset": run.settings.data.name, "seed": run.settings.classifier.seed},
    )
    summary = memorisation.distance_summary(
        run.synthetic, run.parts.val, run.parts.fit, run.settings.augmentation.flips
    )
    bits = {
        portion.folder or "all": dataclasses.asdict(
            likelihood.bits_per_dimension(
                run.model,
                params,
                portion.val,
                run.settings.train.batch_size,
                run.settings.sample.seed,
            )
        )
        for portion, params, _ in diffusion_stages.trained_generators(run)
        if len(portion.val)
    }
    write_json(directory / "fidelity.json", {**summary, "bits_per_dimension": bits})


def best_network(run: Run) -> tuple[Logits, dict[str, Any]]:
    """The run's best network by validation, to be asked for its reasons: logits, variables."""
    best = run.explained
    cell = {name: best[name] for name in ("backbone", "arm", "n", "ratio", "seed")}
    folder = cross_validate.fold_folder(
        run.workdir / "classify", cross_validate.Cell(**cell), best["fold"]
    )
    programs = run.programs_of(best["backbone"])
    return programs.logits, cross_validate.load_variables(programs, folder)


def run_explain(run: Run) -> None:
    """Explains the best network's answers to real and to synthetic images."""
    directory = run.workdir / "explain"
    answers = directory / "answers"
    gallery.explain_sets(
        run.settings.explain,
        run.split_path,
        gallery.Sources(run.data.images, run.synthetic, run.nearest_fit, run.resize, run.lesion_of),
        RememberedPredictor(*best_network(run), run.settings.explain.batch_size, answers),
        run.explained,
        directory,
    )
    shutil.rmtree(answers, ignore_errors=True)
