"""The stage that trains the network in whose features sets of images are compared."""

from __future__ import annotations

from synthmed_jax.classifiers import feature_net
from synthmed_jax.classifiers.train import train_fold
from synthmed_jax.errors import UserError
from synthmed_jax.stages import base, split, timing
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    """Trains on `fit`, with settings of its own: no classifier's field changes a distance."""
    training, parts = feature_net.training(run.settings.data.image_size), run.inputs.parts
    if not len(parts.val):
        raise UserError(
            "the feature network stops on `val`, which is empty: set config.split.val_fraction=0.1"
        )
    train_fold(
        run.compiled.feature_programs,
        training,
        training.seed,
        parts.fit,
        {"real_val": parts.val},
        "real_val",
        "features",
        folder=run.workdir.features,
        made_by=base.fingerprint(run, STAGE).digest,
    )


def timer(run: Run) -> timing.ClassifierTimer:
    """Times this network."""
    training = feature_net.training(run.settings.data.image_size)
    return timing.ClassifierTimer(run, "features", run.compiled.feature_programs, training)


def _expect(run: Run) -> float:
    training = feature_net.training(run.settings.data.image_size)
    left = timing.share_left(run.workdir.features, training)
    parts = run.inputs.planned_split.parts
    return left * timer(run).seconds_per_training(len(parts.fit), len(parts.val))


STAGE = Stage(
    "features",
    _run,
    inputs=(split.STAGE,),
    expect=_expect,
    optional=True,
    ends=("result.json",),
    forget=lambda run, path: base.remove(run.workdir.features),
)
