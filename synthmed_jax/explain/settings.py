"""The config block `explain`, field by field as in configs/base.py."""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks
from synthmed_jax.explain.lime import LimeSettings


@dataclasses.dataclass(frozen=True)
class ExplainSettings:
    """What is explained, and how.

    Attributes:
      arm: the arm whose best network by validation is explained.
      engine, num_samples, precision, sampling, control, segmentation, regions, seed: how one
        image is explained, see `LimeSettings`.
      images: per class, of real and of synthetic images each, drawn at random for the numbers.
      repeats: explanations per image, under seeds of their own, which say how stable they are.
      compare_with_lime: whether the package lime explains the pictured images too, for comparison.
      batch_size: images per call of the network.

    Raises UserError for a value out of range; whether `arm` is trained is not known here.
    """

    arm: str
    engine: str
    num_samples: int
    precision: float
    sampling: str
    control: str
    segmentation: str
    regions: int
    seed: int
    images: int
    repeats: int
    compare_with_lime: bool
    batch_size: int

    def __post_init__(self) -> None:
        _ = self.lime  # which checks its fields
        checks.at_least("config.explain.images", self.images, 1)
        checks.at_least("config.explain.repeats", self.repeats, 1)
        checks.at_least("config.explain.batch_size", self.batch_size, 1)

    @property
    def lime(self) -> LimeSettings:
        """How one image is explained."""
        return LimeSettings(
            engine=self.engine,
            num_samples=self.num_samples,
            precision=self.precision,
            sampling=self.sampling,
            control=self.control,
            segmentation=self.segmentation,
            regions=self.regions,
            seed=self.seed,
        )
