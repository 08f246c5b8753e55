"""The part of `audit` that looks through a network whose weights the user names.

The weights are a unit of work: naming them after a run makes `audit` anew and refuses nothing.
"""

from __future__ import annotations

import os

from synthmed_jax.audit import pretrained
from synthmed_jax.classifiers.settings import IMAGENET
from synthmed_jax.errors import UserError
from synthmed_jax.stages.run import Run

FIELDS = ("audit.weights", "audit.backbone")


def load(run: Run) -> pretrained.PretrainedFeatures | None:
    """The network's features; None where no weights are named. Errors as of `pretrained.load`."""
    return pretrained.load(run.settings.audit, len(run.inputs.class_names), run.settings.data.cache)


def check(run: Run) -> None:
    """Refuses weights that can't be read, and those that lie among what this run has learned."""
    weights = run.settings.audit.weights
    if weights not in ("", IMAGENET):
        root = os.path.realpath(run.workdir.root)
        if os.path.commonpath([root, os.path.realpath(os.path.expanduser(weights))]) == root:
            raise UserError(
                f"config.audit.weights={weights!r} lies in {run.workdir.root}: networks that "
                "learned from the images that are compared would call them the better ones; name "
                "weights that were learned elsewhere"
            )
    load(run)


def units(run: Run) -> tuple[str, ...]:
    """The network, by the content of the file; nothing without one."""
    audit = run.settings.audit
    if not audit.weights:
        return ()
    content = run.inputs.audit_weights_sha256 or audit.weights
    return (f"{audit.backbone}/{content}",)
