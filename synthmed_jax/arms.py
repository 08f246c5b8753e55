"""The arms of the experiment: what classifiers are trained on, one record each.

Everything else that must know of an arm (cells, checks, times, training sets, the report's words)
reads this table.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet, concatenate
from synthmed_jax.errors import UserError
from synthmed_jax.results.cells import Amount, amount_of

SYNTHETIC, REAL = "synthetic", "real"
REAL_AUGMENTED, REAL_REPEATED = "real_augmented", "real_repeated"
MIXED, MIXED_MORE = "mixed_1to1", "mixed_1to4"
SHUFFLED = "synthetic_shuffled"
FILTERED = "synthetic_filtered"


def _no_filtered() -> ImageSet:
    raise ValueError("these materials hold no filtered synthetic images")


@dataclasses.dataclass(frozen=True)
class Materials:
    """What training sets are made of.

    Attributes:
      parts: `fit`, with its groups, and `val`.
      counts: synthetic images of each class, in the order of the labels.
      synthetic: reads the synthetic set, class by class, once it has been drawn.
      seed: of the draw that shuffles labels.
      filtered: reads the synthetic images that a filter leaves, of each class as many.
    """

    parts: Parts
    counts: tuple[int, ...]
    synthetic: Callable[[], ImageSet]
    seed: int = 0
    filtered: Callable[[], ImageSet] = _no_filtered

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        return self.parts.fit.class_names

    def first(self, counts: Sequence[int], needed_by: str) -> Materials:
        """The same with only the first synthetic images of each class.

        Args:
          counts: of each class, in the order of the labels.
          needed_by: what takes them, for the message.

        Raises:
          UserError: a class has fewer.
        """
        for name, wanted, there in zip(self.class_names, counts, self.counts, strict=True):
            if wanted > there:
                raise UserError(
                    f"{needed_by} takes {wanted} synthetic images of {name}, and {there} are "
                    f"drawn: set --config.generate.per_class={max(counts)}, or leave it out of "
                    "that field (where config.generate.counts names the class, raise it there)"
                )

        def synthetic() -> ImageSet:
            images = self.synthetic()
            chosen = [
                np.flatnonzero(images.labels == label)[:count] for label, count in enumerate(counts)
            ]
            return images.subset(np.concatenate(chosen))

        return dataclasses.replace(self, counts=tuple(counts), synthetic=synthetic)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is known of a training set before any of its images is drawn.

    Attributes:
      n: images per class, or of each class where they differ; None: all of `fit`.
      ratio: synthetic to real images; infinite where there is no real one.
      labels: i[N], class of every image.
      groups: i64[N], images of one group are kept in one fold; None without groups.
    """

    n: Amount
    ratio: float
    labels: np.ndarray
    groups: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """What one network is trained on.

    Attributes:
      images: N of them.
      groups: i64[N], images of one group are kept in one fold; None without groups.
      origins: SYNTHETIC or REAL, of every image.
    """

    images: ImageSet
    groups: np.ndarray | None
    origins: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
      name: in configs, folders and tables.
      says: what it is trained on, in words.
      sizes: what is known of its training set before any image is drawn; raises UserError where
        the materials can't give it.
      build: makes the training set.
      per_real: synthetic images that it takes for each image of `fit`, class by class; 0: as many
        as there are, or none.
      learns: whether it learns right labels; where it doesn't, every training deals labels out anew
        (`deal_labels`), and the arm is a control that must come out at chance.
    """

    name: str
    says: str
    sizes: Callable[[Materials], Sizes]
    build: Callable[[Materials], TrainingSet]
    per_real: int = 0
    learns: bool = True


def _synthetic_sizes(materials: Materials) -> Sizes:
    labels = np.repeat(np.arange(len(materials.class_names)), materials.counts)
    return Sizes(amount_of(materials.counts), math.inf, labels, None)


def _synthetic(materials: Materials) -> TrainingSet:
    images = materials.synthetic()
    return TrainingSet(images, None, (SYNTHETIC,) * len(images))


def _filtered(materials: Materials) -> TrainingSet:
    images = materials.filtered()
    return TrainingSet(images, None, (SYNTHETIC,) * len(images))


def deal_labels(images: ImageSet, seed: int) -> ImageSet:
    """The same images with the same labels in an order that tells nothing of the classes.

    Every class gets every label in proportion, to less than two images. Labels in any order agree
    with the right ones a little more or less often than chance, and a network finds that: from
    52.7 % of 2000 labels one learned to be right on 60 % of test images.
    """
    labels = images.labels
    by_class = np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))
    values, counts = np.unique(labels, return_counts=True)
    dealt = np.empty_like(labels)
    dealt[by_class] = values[_turns(counts)]
    return dataclasses.replace(images, labels=dealt)


def _turns(counts: np.ndarray) -> np.ndarray:
    """Returns i64[N], whose turn it is: of the first n places, each has its share to less than one.

    Each turn goes to the one that must have it first, of those whose share has grown so far: to
    1 - 1 / (2 K - 2) of a place in the worst case, and no rule does better (Tijdeman, The chairman
    assignment problem, 1980).

    Args:
      counts: i64[K], places of each; N together.
    """
    total, slack = int(counts.sum()), max(2 * len(counts) - 2, 1)
    had, turns = np.zeros_like(counts), np.empty(total, np.int64)
    for n in range(total):
        has_grown = slack * (counts * (n + 1) - had * total) >= total
        deadline = np.where(has_grown, (slack * (had + 1) - 1) / counts, np.inf)
        turns[n] = np.argmin(deadline)
        had[turns[n]] += 1
    return turns


def _real_sizes(materials: Materials) -> Sizes:
    parts = materials.parts
    return Sizes(None, 0.0, parts.fit.labels, parts.fit_groups)


def _real(materials: Materials) -> TrainingSet:
    parts = materials.parts
    return TrainingSet(parts.fit, parts.fit_groups, (REAL,) * len(parts.fit))


def _repeated_sizes(materials: Materials) -> Sizes:
    sizes, twice = _real_sizes(materials), functools.partial(np.tile, reps=2)
    groups = None if sizes.groups is None else twice(sizes.groups)
    return dataclasses.replace(sizes, labels=twice(sizes.labels), groups=groups)


def _repeated(materials: Materials) -> TrainingSet:
    plain, sizes = _real(materials), _repeated_sizes(materials)
    images = concatenate(plain.images, plain.images)
    return TrainingSet(images, sizes.groups, plain.origins * 2)


def _added(materials: Materials, name: str, ratio: int) -> Materials:
    """The materials with `ratio` synthetic images for each one of `fit`, class by class."""
    fit = materials.parts.fit
    real = np.bincount(fit.labels, minlength=len(fit.class_names))
    return materials.first((ratio * real).tolist(), f"config.classifier.arms={name}")


def _mixed_sizes(materials: Materials, name: str, ratio: int) -> Sizes:
    real, synthetic = _real_sizes(materials), _synthetic_sizes(_added(materials, name, ratio))
    labels = np.concatenate([real.labels, synthetic.labels])
    groups = real.groups
    if groups is not None:  # a synthetic image is of no patient: each is a group of its own
        alone = groups.max(initial=-1) + 1 + np.arange(len(synthetic.labels))
        groups = np.concatenate([groups, alone])
    return Sizes(None, float(ratio), labels, groups)


def _mixed(materials: Materials, name: str, ratio: int) -> TrainingSet:
    real, synthetic = _real(materials), _synthetic(_added(materials, name, ratio))
    return TrainingSet(
        concatenate(real.images, synthetic.images),
        _mixed_sizes(materials, name, ratio).groups,
        real.origins + synthetic.origins,
    )


def _mixed_arm(name: str, ratio: int, says: str) -> Arm:
    return Arm(
        name,
        f"the real fit images and {says} synthetic ones",
        functools.partial(_mixed_sizes, name=name, ratio=ratio),
        functools.partial(_mixed, name=name, ratio=ratio),
        per_real=ratio,
    )


_ALL = (
    Arm(SYNTHETIC, "synthetic images only", _synthetic_sizes, _synthetic),
    Arm(REAL, "the real fit images", _real_sizes, _real),
    Arm(REAL_AUGMENTED, "the real fit images, augmented", _real_sizes, _real),
    _mixed_arm(MIXED, 1, "as many"),
    _mixed_arm(MIXED_MORE, 4, "four times as many"),
    Arm(REAL_REPEATED, "the real fit images, each twice", _repeated_sizes, _repeated),
    Arm(
        FILTERED,
        "synthetic images that the filter leaves, as many",
        _synthetic_sizes,
        _filtered,
    ),
    Arm(
        SHUFFLED,
        "synthetic images with shuffled labels",
        _synthetic_sizes,
        _synthetic,
        learns=False,
    ),
)
ARMS = {arm.name: arm for arm in _ALL}


def most_taken(names: Sequence[str], fit: ImageSet) -> int:
    """Returns how many synthetic images of one class the arms of these names take at most."""
    return max(ARMS[name].per_real for name in names) * max(fit.counts.values())


# config.classifier.augmented -> arms whose images are also warped, and flipped and shifted
# as far as the generator's are.
AUGMENTED = {
    "all": frozenset(ARMS) - {REAL, REAL_REPEATED},
    "real_augmented": frozenset({REAL_AUGMENTED}),
}
# Arms that learn from real images alone: the synthetic arm is held against the best of them.
OF_REAL_IMAGES = (REAL, REAL_AUGMENTED)
