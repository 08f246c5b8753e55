"""Whether networks that learn from real images beat forests, told inside `fit` alone.

    python -m benchmarks.real_against_floors --config=configs/all_ddpm.py:cpu \
        --config.data.dir=<folder of the data sets> --workdir=<folder>

The `fit` images are divided into folds, near-duplicates (or whatever the config groups by) on one
side. Network and forests learn from the rest and answer for the fold that is left out; the network
is chosen on `val`, as in a run. So every `fit` image is answered once, the networks' budget can be
judged, and no test image is seen. Ended early, the same command goes on.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
from absl import app, flags, logging
from ml_collections import config_flags
from sklearn.model_selection import StratifiedGroupKFold

from synthmed_jax import devices, settings
from synthmed_jax.arms import ARMS, OF_REAL_IMAGES
from synthmed_jax.classifiers import side_by_side, trainings
from synthmed_jax.data import held_out
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation.floors import FEATURES, forest_answers
from synthmed_jax.results.cells import Cell
from synthmed_jax.stages import BLOCKS, classify
from synthmed_jax.stages.run import Run, make_run
from synthmed_jax.statistics.classification import balanced_accuracy
from synthmed_jax.statistics.paired import balanced_difference

_CONFIG = config_flags.DEFINE_config_file("config", None, "As of main.py.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the trained networks and the result.")
_ARMS = flags.DEFINE_list("arms", list(OF_REAL_IMAGES), "Of real images, by whose augmentation.")
_FOLDS = flags.DEFINE_integer("folds", 4, "Parts of `fit`; two or more.", lower_bound=2)


def network_answers(
    run: Run, arm: str, name: str, train: ImageSet, left_out: ImageSet
) -> np.ndarray:
    """i64[S, N], the class that each of an arm's S trainings answers for each left-out image.

    Args:
      arm: whose augmentation is used.
      name: of the folder of its trainings.
      train: images to learn from.
      left_out: N images.
    """
    chosen, inputs = run.settings.classifier, run.inputs
    programs = run.compiled.programs_of(chosen.backbones[0])
    cell = Cell(
        chosen.backbones[0], arm, None, ARMS[arm].sizes(inputs.materials).ratio, chosen.seed
    )
    root = run.workdir.root / name
    side_by_side.train_all(
        trainings.unfinished(
            programs,
            chosen,
            cell,
            inputs.at_network_size(train),
            inputs.at_network_size(inputs.parts.val),
            root,
            augmentation=classify.augmentation_of(
                chosen, run.settings.diffusion, arm, run.settings.data.image_size
            ),
        )
    )
    seen = inputs.at_network_size(left_out).images
    each = [
        programs.predict(trainings.load_variables(programs, cell.folder(root, training)), seen)
        for training in chosen.trainings
    ]
    return np.stack([np.asarray(one).argmax(axis=1) for one in each])


def main(_: list[str]) -> None:
    """Trains, compares and prints; writes the numbers to real_against_floors.json."""
    logging.set_verbosity(logging.WARNING)
    config = settings.from_config(_CONFIG.value, BLOCKS)
    devices.start(config.cpu_devices)
    run = make_run(config, pathlib.Path(str(_WORKDIR.value)))
    run.workdir.root.mkdir(parents=True, exist_ok=True)
    held_out.write_split(run.workdir.split, run.inputs.data, config.split)
    fit, groups = run.inputs.parts.fit, run.inputs.parts.fit_groups
    units = np.arange(len(fit)) if groups is None else groups
    folds = StratifiedGroupKFold(_FOLDS.value, shuffle=True, random_state=config.split.seed)
    num_seeds = len(config.classifier.trainings)
    answers = {name: np.full((1, len(fit)), -1) for name in FEATURES}
    answers |= {arm: np.full((num_seeds, len(fit)), -1) for arm in _ARMS.value}
    for k, (train, left_out) in enumerate(folds.split(fit.labels, fit.labels, units)):
        part, rest = fit.subset(train), fit.subset(left_out)
        for name in FEATURES:
            answers[name][0, left_out] = forest_answers(name, part, rest, config.classifier.seed)
        for arm in _ARMS.value:
            answers[arm][:, left_out] = network_answers(run, arm, f"part{k}", part, rest)
    _report(run, fit, groups, answers)


def _report(
    run: Run, fit: ImageSet, groups: np.ndarray | None, answers: dict[str, np.ndarray]
) -> None:
    num_classes = len(fit.class_names)
    scores = {
        name: float(np.mean([balanced_accuracy(one, fit.labels, num_classes) for one in each]))
        for name, each in answers.items()
    }
    best = max(FEATURES, key=scores.__getitem__)
    hits = {name: np.mean(each == fit.labels, axis=0) for name, each in answers.items()}
    found: dict[str, object] = {
        "data": run.settings.data.name,
        "seed": run.settings.split.seed,
        "num_fit": len(fit),
        "folds": _FOLDS.value,
        "steps": run.settings.classifier.steps,
        "trainings": len(run.settings.classifier.trainings),
        "balanced_accuracy": scores,
        "best_floor": best,
    }
    for arm in _ARMS.value:
        ahead = balanced_difference(hits[arm], hits[best], fit.labels, groups, seed=0)
        found[f"{arm}_minus_floor"] = [ahead.estimate, ahead.low, ahead.high]
    text = json.dumps(found, indent=1)
    (run.workdir.root / "real_against_floors.json").write_text(text)
    print(text)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
