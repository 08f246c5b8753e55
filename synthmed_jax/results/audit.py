"""audit/fidelity.json: how far synthetic images can be told from real ones, and where."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored

FIT, HELD_OUT = "fit", "held_out"  # sets of real images that synthetic ones are compared with
AUROC_FOREST, AUROC_NETWORK = "auroc_forest", "auroc_network"
KID, DENSITY, COVERAGE, FRECHET = "kid", "density", "coverage", "frechet"
PRETRAINED = "pretrained"  # features of a network whose weights came from elsewhere


@dataclasses.dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval, which speaks of the choice of images.

    Attributes:
      value: the number.
      low, high: ends of the interval.
    """

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One measure of n synthetic against n real images, and of n other real images against those.

    Attributes:
      measure: AUROC_FOREST, AUROC_NETWORK, KID, DENSITY, COVERAGE or FRECHET.
      features: what it sees of an image: "pixels", "ring", "handmade", PRETRAINED, or a key of
        audit/features.py's FEATURES.
      against: FIT or HELD_OUT, where both sets of real images are from.
      class_name: the class that all images are of; "" for all classes together.
      num_images: n, of each set.
      synthetic: of synthetic images; None where there are too few.
      real: of real images; None where there are too few.
      why: why there is no value; "" where there is one.
    """

    measure: str
    features: str
    against: str
    class_name: str
    num_images: int
    synthetic: Measured | None
    real: Measured | None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where two sets differ most, in standard deviations between images; signed, first less second.

    Attributes:
      ring: of pixels, 0 is the outermost one.
      ring_by: what of the ring differs: "mean" or "spread" of its levels in an image.
      of_ring: the difference there.
      cycles: per image side, the frequency.
      of_cycles: the difference of the logarithm of its power.
      row, column: of the pixel.
      of_pixel: the difference there.
    """

    ring: int
    ring_by: str
    of_ring: float
    cycles: int
    of_cycles: float
    row: int
    column: int
    of_pixel: float


@dataclasses.dataclass(frozen=True)
class Places:
    """Where synthetic images differ most from real ones, and these from other real ones.

    Attributes:
      against: FIT or HELD_OUT.
      num_images: of each set.
      synthetic: synthetic less real.
      real: other real less real: differences of such a size are chance.
    """

    against: str
    num_images: int
    synthetic: Place
    real: Place


@dataclasses.dataclass(frozen=True)
class PretrainedNetwork:
    """The network behind the features PRETRAINED.

    Attributes:
      backbone: torchvision's name of it.
      weights: name of their file.
      sha256: of that file, hexadecimal.
      side: of the images that it saw, pixels.
      head: "kept" where the file's last layer is for as many classes as the data set has, else
        "random".
    """

    backbone: str
    weights: str
    sha256: str
    side: int
    head: str


@dataclasses.dataclass(frozen=True)
class AuditFidelity(Stored):
    """audit/fidelity.json.

    Attributes:
      seed: of the draws of images, of forests and of networks.
      limit: most images of a set in one comparison, all classes together.
      num_synthetic, num_fit, num_held_out: images that there are, in all classes.
      num_twins: reference (FIT or HELD_OUT) -> images that were left out since another one of their
        class has the same pixels.
      comparisons: every measure, against every reference, of all classes and of each.
      places: per reference that has enough images.
      pretrained: the network behind the features PRETRAINED; None without them.
    """

    seed: int
    limit: int
    num_synthetic: int
    num_fit: int
    num_held_out: int
    num_twins: dict[str, int]
    comparisons: tuple[Comparison, ...]
    places: tuple[Places, ...]
    pretrained: PretrainedNetwork | None = None
