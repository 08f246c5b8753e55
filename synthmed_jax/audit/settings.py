"""The config block `audit`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses
import pathlib

from synthmed_jax import checks
from synthmed_jax.classifiers.networks import BACKBONES

# Distances between all pairs of images are held at once: 200 MB of them here.
MOST = 5000


@dataclasses.dataclass(frozen=True)
class AuditSettings:
    """How synthetic images are compared with real ones.

    Attributes:
      images: most images of a set in one comparison, all classes together; 20 to MOST.
      seed: of draws of images, forests and networks.
      weights: "": hand-made features alone; else IMAGENET or the path of a state dict, of a network
        that has not learned from any of the images: the input of its last layer is a further
        family of features.
      backbone: that network, a key of `networks.BACKBONES`.
      references: "" or workdirs of other seeds with commas between, whose generators calibrate the
        attack by loss.

    Raises UserError for a value out of range, and for an unknown network.
    """

    images: int
    seed: int
    weights: str = ""
    backbone: str = "resnet18"
    references: str = ""

    def __post_init__(self) -> None:
        checks.between("config.audit.images", self.images, 20, MOST + 1)
        checks.at_least("config.audit.seed", self.seed, 0)
        checks.one_of("config.audit.backbone", self.backbone, BACKBONES)

    @property
    def reference_folders(self) -> tuple[pathlib.Path, ...]:
        """The workdirs, in the order given."""
        names = (name.strip() for name in self.references.split(","))
        return tuple(pathlib.Path(name).expanduser() for name in names if name)
