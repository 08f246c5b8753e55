"""explain/lime.json: which regions spoke for the network's answers, in numbers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from synthmed_jax.results.cells import typed_cell
from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.results.stored import Document, Stored
from synthmed_jax.statistics.agreement import HalvesAgreement
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate

# Method -> number's name -> what it comes to over images.
Summary = dict[str, dict[str, Estimate]]


@dataclasses.dataclass(frozen=True)
class TwoSampleRow:
    """One number of one class, compared between real and synthetic images.

    Attributes:
      superiority: chance that a random synthetic image has the larger value, ties halved.
      p: Mann and Whitney's, two-sided.
      q: p adjusted for the number of rows (false discovery rate).
    """

    class_name: str
    number: str
    n_real: int
    n_synthetic: int
    mean_real: float
    mean_synthetic: float
    superiority: float
    p: float
    q: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Real against synthetic images.

    Attributes:
      tests: one per class and number.
      places: class -> agreement of mean importance maps; None where there were too few images.
    """

    tests: tuple[TwoSampleRow, ...]
    places: dict[str, HalvesAgreement | None]


@dataclasses.dataclass(frozen=True)
class NearestAgreement:
    """Rank correlation of synthetic images' maps with those of real ones.

    Attributes:
      nearest: with the map of their nearest `fit` image.
      others_of_the_class: with those of other such images of the class: by chance.
    """

    nearest: Estimate
    others_of_the_class: Estimate


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A class whose importance lies at the edge of the image: surely above the area's share."""

    class_name: str
    area: str
    share: Estimate


@dataclasses.dataclass(frozen=True)
class RegionProbe:
    """What the explained network makes of a region of the real test images.

    Attributes:
      region: a key of data/regions.py's REGIONS.
      num_images: test images.
      area: its share of the pixels, mean over the images.
      importance: LIME's there over its share of the pixels, of the real images behind the numbers.
      accuracy: balanced, of the network on the images as they are, share of 1.
      blanked_accuracy: the same with the region blanked (explain/blanking.py).
      loss: the first less the second, at the level at which the intervals of all regions hold
        together; None where no image has such a region.
    """

    region: str
    num_images: int
    area: float
    importance: Estimate
    accuracy: float
    blanked_accuracy: float
    loss: GroupEstimate | None


@dataclasses.dataclass(frozen=True)
class EngineAgreement:
    """How far this project's LIME and the package agree, on the same regions and masks."""

    num_images: int
    largest_difference: float
    largest_weight: float


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of pictures.

    Attributes:
      picture: its file, below the workdir.
      class_name: its class.
      shows: "roles" or "nearest".
      key: what the numbers mean that stand for classes in it; "": it shows the names themselves.
    """

    picture: str
    class_name: str
    shows: str
    key: str = ""


@dataclasses.dataclass(frozen=True)
class Stability:
    """Agreement of repeated explanations, means over pairs.

    Attributes:
      rank_correlation: Spearman's, of all regions' weights.
      top_overlap: share of the strongest regions that both have.
    """

    rank_correlation: float
    top_overlap: float


@dataclasses.dataclass(frozen=True)
class ImageExplanation:
    """One explained image.

    Attributes:
      kind: "real" or "synthetic".
      file: its path.
      label, predicted: class names: the truth, and what was explained.
      roles: why it was chosen for the pictures; none: it was drawn for the numbers alone.
      sampled: whether it was drawn for the numbers.
      probabilities: class -> probability of the whole image.
      weights: LIME's, one per region, for the predicted class.
      standard_errors: of the weights; None: the engine does not say, or had too few evaluations
        for as many regions (see `LimeSummary.num_unsure`).
      r2: of the linear model.
      stability: over seeds; None for a single one.
      numbers: method -> score -> value, None where the image has none.
      nearest: file of a synthetic image's nearest `fit` image, else None.
      num_samples: perturbed images that its explanation took; None where an earlier version
        explained.
      relative_error: root mean square of the standard errors of the regions that pictures mark,
        over the largest weight; None where `standard_errors` is, or an earlier version explained.
    """

    kind: str
    file: str
    label: str
    predicted: str
    roles: tuple[str, ...]
    sampled: bool
    probabilities: dict[str, float]
    weights: tuple[float, ...]
    standard_errors: tuple[float, ...] | None
    r2: float
    stability: Stability | None
    numbers: dict[str, dict[str, float | None]]
    nearest: str | None
    num_samples: int | None = None
    relative_error: float | None = None


@dataclasses.dataclass(frozen=True)
class Evaluations:
    """How many perturbed images LIME's explanations took.

    Attributes:
      explanations: how many there are, of all seeds and of synthetic images' nearest real ones.
      total: perturbed images of all of them.
      median, most: perturbed images of one.
      imprecise: explanations that took the most allowed and did not reach the precision.
    """

    explanations: int
    total: int
    median: float
    most: int
    imprecise: int


@dataclasses.dataclass(frozen=True)
class LimeSummary(Stored):
    """explain/lime.json.

    Attributes:
      model: the network that was asked.
      engine, num_samples, sampling, control, segmentation, regions, seed: how one image is
        explained, see `LimeSettings`; it took `num_samples` perturbed images or fewer.
      images_per_class: of each kind, that the numbers are of, at most.
      repeats: explanations per image, under seeds of their own.
      summary: kind ("real", "synthetic") -> class or "all classes" -> its numbers.
      comparison: real against synthetic images.
      nearest: synthetic images against their nearest real ones.
      alarms: kind -> classes that are explained by the edge of the image.
      check: our engine against the package's; None where that was not asked.
      pages: of pictures.
      images: one per explained image.
      probes: of regions where a shortcut can hide; none where an earlier version explained.
      precision: relative error at which an explanation stops, see `LimeSettings`; 0: each took
        `num_samples` perturbed images.
      evaluations: what the explanations took; None where an earlier version explained.
    """

    VERSION: ClassVar[int] = 2

    model: BestNetwork
    engine: str
    num_samples: int
    sampling: str
    control: str
    segmentation: str
    regions: int
    seed: int
    images_per_class: int
    repeats: int
    summary: dict[str, dict[str, Summary]]
    comparison: Comparison
    nearest: NearestAgreement
    alarms: dict[str, tuple[Alarm, ...]]
    check: EngineAgreement | None
    pages: tuple[Page, ...]
    images: tuple[ImageExplanation, ...]
    probes: tuple[RegionProbe, ...] = ()
    precision: float = 0.0
    evaluations: Evaluations | None = None

    @property
    def num_unsure(self) -> int:
        """Images whose evaluations were too few to tell how sure the weights are.

        Nothing is known of where their importance lies. The package lime never tells.
        """
        if self.engine == "lime":
            return 0
        return sum(image.standard_errors is None for image in self.images)

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Version 2: n and ratio are numbers, names of classes are not called "class"."""
        images_per_class = document.pop("images_a_class")
        comparison = document["comparison"]
        alarms = {
            kind: [
                {
                    "class_name": alarm.pop("class"),
                    "area": alarm.pop("area"),
                    "share": alarm,
                }
                for alarm in rows
            ]
            for kind, rows in document["alarms"].items()
        }
        return document | {
            "model": typed_cell(document["model"]),
            "control": document.get("control", "none"),
            "images_per_class": images_per_class,
            "comparison": comparison | {"tests": [*map(_named, comparison["tests"])]},
            "alarms": alarms,
            "pages": [*map(_named, document["pages"])],
        }


def _named(row: Document) -> Document:
    """A row of version 1 with its class under the new name."""
    return {"class_name": row.pop("class"), **row}
