"""The part of `evaluate` that tests networks on another tree of real images.

The tree is a unit of work: naming it, or another one, makes `evaluate` run again, on networks and
probabilities that are there already, and invalidates nothing that other stages have made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from synthmed_jax.classifiers.inputs import resize
from synthmed_jax.data.external import DIR, ExternalTree
from synthmed_jax.data.held_out import find_duplicates
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import floors, on_real_images
from synthmed_jax.evaluation.differences import Answers, exploratory_differences
from synthmed_jax.evaluation.external import count_shared
from synthmed_jax.evaluation.predictions import write_predictions
from synthmed_jax.report import external_text
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.external import External
from synthmed_jax.stages import classify
from synthmed_jax.stages.run import Run

FIELDS = ("evaluate.external_dir", "evaluate.external_classes")
_SECTION = "section_external.json"
_PREDICTIONS = "external_predictions.csv"


def check(run: Run) -> None:
    """Refuses a tree that can't be read, or that the run writes into; says what it holds."""
    directory = run.settings.evaluate.external_dir
    if not directory:
        return
    root = os.path.realpath(os.path.expanduser(directory))
    for path, flag in (
        (run.workdir.root, "--workdir"),
        (run.settings.data.cache, "--config.data.cache_dir"),
    ):
        if os.path.commonpath([root, os.path.realpath(path)]) == root:
            raise UserError(
                f"{path} lies in {DIR}={directory!r}, and images that are written there would "
                f"become external ones: set {flag} to a folder outside of it"
            )
    tree = run.inputs.external_tree
    assert tree is not None
    left_out = ", ".join(f"{count} ({why})" for why, count in tree.left_out.items())
    print(
        f"external images: {len(tree.images)} in {directory}; files that are left out: "
        f"{left_out or 'none'}",
        flush=True,
    )
    if tree.note:
        print(f"note: {tree.note}", flush=True)


def units(run: Run) -> tuple[str, ...]:
    """The tree, by the digest of its files; nothing without one."""
    tree = run.inputs.external_tree
    return () if tree is None else (f"external/{tree.digest}",)


def measure(
    run: Run,
    references: on_real_images.References,
    trained: on_real_images.Trained,
    training: Mapping[str, ImageSet],
    held_out: ImageSet,
    own: Evaluation,
) -> None:
    """Tests the networks on the tree, if there is one; removes what is left of another.

    Args:
      references: as of the held-out images.
      trained: finds one training.
      training: arm -> its images, at the size that floors see.
      held_out: the held-out images of the run's own set.
      own: what the networks score on them.
    """
    tree = run.inputs.external_tree
    _remove_others(run, tree)
    if tree is None:
        return
    found = _test(run, tree, references, trained, training, held_out)
    found.write(run.workdir.external)
    by_cell = {cell.cell: cell for cell in own.cells}
    external_text.to_section(found, by_cell).write(run.workdir.evaluate / _SECTION)


def _remove_others(run: Run, tree: ExternalTree | None) -> None:
    folder = run.workdir.evaluate
    for path in (run.workdir.external, folder / _SECTION, folder / _PREDICTIONS):
        path.unlink(missing_ok=True)
    for path in folder.glob("cells/*_external_*.npy"):
        if tree is None or not path.stem.endswith(_kept_as(tree)):
            path.unlink()


def _kept_as(tree: ExternalTree) -> str:
    """The end of the names of a tree's probabilities: other trees have files of the same names."""
    return f"_external_{tree.digest[:16]}"


def _test(
    run: Run,
    tree: ExternalTree,
    references: on_real_images.References,
    trained: on_real_images.Trained,
    training: Mapping[str, ImageSet],
    held_out: ImageSet,
) -> External:
    inputs, settings = run.inputs, run.settings
    images, seed = tree.images, settings.classifier.seed
    scored = on_real_images.score_cells(
        inputs.at_network_size(images),
        classify.cells(run),
        len(settings.classifier.trainings),
        trained,
        run.workdir.evaluate,
        references,
        _kept_as(tree),
    )
    write_predictions(run.workdir.evaluate / _PREDICTIONS, images, scored.predictions)
    groups = tree.group(settings.split.group_by)
    answers = Answers(scored.hits, images.labels, groups.numbers, references.of_folds, seed)
    side = next(iter(training.values())).images.shape[1]
    threshold = find_duplicates(inputs.data, settings.split).threshold
    return External(
        digest=tree.digest,
        class_names=images.class_names,
        classes=dict(tree.classes),
        counts=images.counts,
        left_out=dict(tree.left_out),
        note=tree.note,
        shared=count_shared(images, inputs.parts, held_out, threshold),
        cells=scored.cells,
        differences=exploratory_differences(scored.cells, answers),
        floors=floors.measure_floors(
            training,
            resize(images, side),
            floors.answers_to_beat(scored.cells, scored.hits),
            groups.numbers,
            seed,
        ),
        num_groups=None if groups.numbers is None else len(np.unique(groups.numbers)),
        grouped_by=groups.by,
        by_image=groups.why,
    )
