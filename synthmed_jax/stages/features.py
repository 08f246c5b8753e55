"""The stage that trains the network in whose features sets of images are compared."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from synthmed_jax.classifiers import feature_net
from synthmed_jax.classifiers.train import Training, train_alone
from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.stages import base, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

# One part of so many of `fit` is left out, and says which epoch is best. `val` may not: distances
# are taken to it, and its images must be as new to the features as they are to the generator.
LEFT_OUT = 5


def divide(parts: Parts, seed: int) -> tuple[ImageSet, ImageSet]:
    """Divides `fit` into what the network learns from and what chooses its epoch.

    Groups are kept together, so that no image that is chosen by has a twin that was learned.
    """
    kind = StratifiedKFold if parts.fit_groups is None else StratifiedGroupKFold
    folds = kind(LEFT_OUT, shuffle=True, random_state=seed)
    learned, left_out = next(folds.split(parts.fit.labels, parts.fit.labels, parts.fit_groups))
    return parts.fit.subset(learned), parts.fit.subset(left_out)


def _run(run: Run) -> None:
    """Trains on `fit`, with settings of its own: no classifier's field changes a distance."""
    training = feature_net.training(run.settings.data.image_size)
    learned, left_out = divide(run.inputs.parts, training.seed)
    train_alone(
        Training(
            run.compiled.feature_programs,
            training,
            training.seed,
            learned,
            {"left_out": left_out},
            "left_out",
            "features",
            folder=run.workdir.features,
            made_by=base.fingerprint(run, STAGE).digest,
            events=run.events(run.workdir.features),
        )
    )


def timer(run: Run) -> timing.ClassifierTimer:
    """Times this network."""
    training = feature_net.training(run.settings.data.image_size)
    return timing.ClassifierTimer(run, "features", run.compiled.feature_programs, training)


def _expect(run: Run) -> float:
    training = feature_net.training(run.settings.data.image_size)
    left = timing.share_left(run.workdir.features, training)
    learned, left_out = divide(run.inputs.planned_split.parts, training.seed)
    return left * timer(run).seconds_per_training(len(learned), len(left_out))


def _check(run: Run) -> None:
    parts = run.inputs.planned_split.parts
    fit, noun = parts.fit, "fit images" if parts.fit_groups is None else "groups of fit images"
    apart = np.arange(len(fit)) if parts.fit_groups is None else parts.fit_groups
    for label, name in enumerate(fit.class_names):
        count = len(np.unique(apart[fit.labels == label]))
        if count < LEFT_OUT:
            raise UserError(
                f"the feature network learns from {LEFT_OUT - 1} of {LEFT_OUT} parts of fit, and "
                f"class {name!r} has {count} {noun}: enlarge --config.split.fraction"
            )


STAGE = Stage(
    "features",
    _run,
    inputs=(split.STAGE,),
    digests=lambda run: {base.CHOSEN_ON: "left-out images of fit"},
    check=_check,
    expect=_expect,
    optional=True,
    ends=("result.json",),
    forget=lambda run, path: base.remove(run.workdir.features),
)
