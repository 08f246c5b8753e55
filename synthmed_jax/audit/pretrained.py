"""Features of a network that learned elsewhere, by weights that the user names.

A network that has learned from one of the compared sets would call that set the better one. What a
file was trained on can't be read from it: the report says which file it was, and what to ask of it.
"""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax.audit.features import Features
from synthmed_jax.audit.settings import AuditSettings
from synthmed_jax.classifiers import penultimate
from synthmed_jax.classifiers.weights import pretrained
from synthmed_jax.errors import UserError
from synthmed_jax.results.audit import PretrainedNetwork


@dataclasses.dataclass(frozen=True, eq=False)
class PretrainedFeatures:
    """The features, and the network that they are of.

    Attributes:
      network: what is stored of it.
      of: images u8[N,S,S,1 or 3] -> f32[N,D].
    """

    network: PretrainedNetwork
    of: Features


def load(
    settings: AuditSettings, num_classes: int, cache_dir: pathlib.Path
) -> PretrainedFeatures | None:
    """Reads the weights that the settings name; None where they name none.

    Args:
      num_classes: of the data set.
      cache_dir: where published weights are kept between runs.

    Raises:
      UserError: the file can't be fetched or read, or does not fit the network.
    """
    if not settings.weights:
        return None
    try:
        given = pretrained.load(
            settings.weights, settings.backbone, num_classes, cache_dir, small_images=False
        )
    except UserError as error:
        raise UserError(
            f"config.audit.weights={settings.weights!r}, of config.audit.backbone="
            f"{settings.backbone}: {error}"
        ) from error
    network = PretrainedNetwork(
        settings.backbone,
        given.facts["weights"],
        given.facts["sha256"],
        penultimate.SIDE,
        given.facts["head"],
    )
    return PretrainedFeatures(
        network, penultimate.make_features(settings.backbone, num_classes, given)
    )
