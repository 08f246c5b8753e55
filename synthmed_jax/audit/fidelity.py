"""Synthetic against real images, in every measure, beside real against other real images.

All sets of a comparison hold as many images, and as many of each class: otherwise another mix of
classes, or the number of images alone, would make a difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from synthmed_jax.audit import difference_map
from synthmed_jax.audit.density_coverage import density_coverage
from synthmed_jax.audit.difference_map import Difference, Sums
from synthmed_jax.audit.features import FEATURES, HANDMADE, Features
from synthmed_jax.audit.frechet_distance import IMAGES_PER_FEATURE, frechet_distance
from synthmed_jax.audit.kernel_distance import kernel_distance
from synthmed_jax.audit.pretrained import PretrainedFeatures
from synthmed_jax.audit.two_sample import forest_auroc, network_auroc
from synthmed_jax.classifiers.inputs import resize
from synthmed_jax.data import twins
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import floors
from synthmed_jax.results.audit import (
    AUROC_FOREST,
    AUROC_NETWORK,
    COVERAGE,
    DENSITY,
    FIT,
    FRECHET,
    HELD_OUT,
    KID,
    PRETRAINED,
    AuditFidelity,
    Comparison,
    Measured,
    Places,
)

LEAST = 20  # images per set for any measure: below it an interval holds nearly everything
FARTHEST = 5  # standard deviations from the mean of the real images
SIDE = 32  # of the images that forests on pixels and networks see, at most


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Three sets of n images with the same labels i[n].

    Attributes:
      labels: of each of them.
      synthetic, real, other: the sets; no image is in both `real` and `other`.
    """

    labels: np.ndarray
    synthetic: ImageSet
    real: ImageSet
    other: ImageSet

    @property
    def sets(self) -> tuple[ImageSet, ImageSet, ImageSet]:
        """`synthetic`, `real`, `other`."""
        return self.synthetic, self.real, self.other


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What was compared with one reference, for a picture.

    Attributes:
      against: FIT or HELD_OUT.
      num_images: of each set.
      synthetic, real: the sets summed up.
      difference: synthetic less real.
      by_chance: other real images less real.
    """

    against: str
    num_images: int
    synthetic: Sums
    real: Sums
    difference: Difference
    by_chance: Difference


# (compared f[n,D] or u8[n,S,S,C], reference of the same shape, seed) -> what was measured.
_Measure = Callable[[np.ndarray, np.ndarray, int], Measured]
# Measure, features -> how.
MEASURES: dict[tuple[str, str], _Measure] = {
    (AUROC_FOREST, "pixels"): forest_auroc,
    (AUROC_FOREST, "handmade"): forest_auroc,
    (AUROC_FOREST, "ring"): forest_auroc,
    (AUROC_FOREST, PRETRAINED): forest_auroc,
    (AUROC_NETWORK, "pixels"): network_auroc,
    **{
        (measure, features): how
        for features in ("handmade", "random_convolutions", PRETRAINED)
        for measure, how in (
            (KID, lambda compared, real, seed: kernel_distance(compared, real)),
            (DENSITY, lambda compared, real, seed: density_coverage(compared, real)[0]),
            (COVERAGE, lambda compared, real, seed: density_coverage(compared, real)[1]),
        )
    },
    **{(FRECHET, features): frechet_distance for features in FEATURES},
}


def measure_fidelity(
    synthetic: ImageSet,
    fit: ImageSet,
    held_out: ImageSet,
    limit: int,
    seed: int,
    pretrained: PretrainedFeatures | None = None,
) -> tuple[AuditFidelity, tuple[Seen, ...]]:
    """Compares synthetic images with those of `fit`, and with held-out ones.

    Args:
      synthetic: of the same classes and size as the others.
      fit: the real images that the generator was trained on.
      held_out: real images that it never saw.
      limit: most images of a set in one comparison, all classes together.
      seed: of draws, forests and networks.
      pretrained: features of a network that has not learned from any of these images; None: none.

    Returns:
      (what is stored, what a picture shows of each reference that has LEAST images).
    """
    comparisons: list[Comparison] = []
    seen: list[Seen] = []
    num_twins = {}
    families = FEATURES | ({} if pretrained is None else {PRETRAINED: pretrained.of})
    for against, reference in ((FIT, fit), (HELD_OUT, held_out)):
        different = without_twins(reference)
        num_twins[against] = len(reference) - len(different)
        drawn = draw(synthetic, different, limit, np.random.default_rng(seed))
        comparisons += _compare(drawn, against, seed, families)
        if len(drawn.labels) >= LEAST:
            seen.append(_see(drawn, against))
    return AuditFidelity(
        seed=seed,
        limit=limit,
        num_synthetic=len(synthetic),
        num_fit=len(fit),
        num_held_out=len(held_out),
        num_twins=num_twins,
        comparisons=tuple(comparisons),
        places=tuple(
            Places(each.against, each.num_images, each.difference.place, each.by_chance.place)
            for each in seen
        ),
        pretrained=None if pretrained is None else pretrained.network,
    ), tuple(seen)


def coverage(
    sets: Mapping[str, ImageSet], fit: ImageSet, limit: int, seed: int
) -> tuple[dict[str, Measured], Measured | None]:
    """How much of some `fit` images each set covers, by handmade features, and other ones do.

    Args:
      sets: name -> images, of each class as many in all sets.
      fit, limit, seed: as of `measure_fidelity`.

    Returns:
      Empty and None where there are under LEAST images.
    """
    different, found, other = without_twins(fit), {}, None
    for name, images in sets.items():
        drawn = draw(images, different, limit, np.random.default_rng(seed))
        if len(drawn.labels) >= LEAST:
            compared, real, others = numbers_of(drawn.sets, FEATURES)[COVERAGE, "handmade"]
            found[name] = density_coverage(compared, real)[1]
            other = density_coverage(others, real)[1]
    return found, other


def without_twins(images: ImageSet) -> ImageSet:
    """Leaves the first of the images of a class with the same pixels.

    Twins that fall into both halves of the real images would give their halves away as the wrong
    ones, and two-sample tests would come out below chance.
    """
    of_class = np.stack([images.labels, twins.first_twins(images.images)])
    _, first = np.unique(of_class, axis=1, return_index=True)
    return images.subset(np.sort(first))


def draw(synthetic: ImageSet, reference: ImageSet, limit: int, rng: np.random.Generator) -> Drawn:
    """Draws as many images of each class from both sets, and from the reference twice.

    Args:
      synthetic: the images in question.
      reference: real images, of which each is drawn once at most.
      limit: most images of a set; each class has an equal share of it.
      rng: of the draws.
    """
    chosen: tuple[list[np.ndarray], ...] = ([], [], [])
    most = limit // len(reference.class_names)
    for label in range(len(reference.class_names)):
        of_synthetic = rng.permutation(np.flatnonzero(synthetic.labels == label))
        of_reference = rng.permutation(np.flatnonzero(reference.labels == label))
        n = min(len(of_synthetic), len(of_reference) // 2, most)
        chosen[0].append(of_synthetic[:n])
        chosen[1].append(of_reference[:n])
        chosen[2].append(of_reference[n : 2 * n])
    of_each = [np.concatenate(each) for each in chosen]
    real = reference.subset(of_each[1])
    return Drawn(real.labels, synthetic.subset(of_each[0]), real, reference.subset(of_each[2]))


def _compare(
    drawn: Drawn, against: str, seed: int, families: Mapping[str, Features]
) -> Iterator[Comparison]:
    looked = PRETRAINED in families
    measures = {key: how for key, how in MEASURES.items() if looked or key[1] != PRETRAINED}
    numbers = numbers_of(drawn.sets, families) if len(drawn.labels) >= LEAST else None
    names = ("", *drawn.real.class_names)
    for label, name in enumerate(names, start=-1):
        chosen = np.full(len(drawn.labels), True) if label < 0 else drawn.labels == label
        n = int(chosen.sum())
        for (measure, features), how in measures.items():
            why = f"{n} images per set, {LEAST} are needed" if n < LEAST else ""
            if name and measure == AUROC_NETWORK:
                why = why or "a network is trained for all classes together only"
            synthetic = real = None
            if numbers is not None and not why:
                compared, reference, other = (each[chosen] for each in numbers[measure, features])
                needed = IMAGES_PER_FEATURE * compared.shape[1] if measure == FRECHET else LEAST
                if n < needed:
                    why = f"{n} images per set, {needed} are needed"
                else:
                    synthetic = how(compared, reference, seed)
                    real = how(other, reference, seed)
            yield Comparison(measure, features, against, name, n, synthetic, real, why)


def numbers_of(
    sets: Sequence[ImageSet], families: Mapping[str, Features]
) -> dict[tuple[str, str], list[np.ndarray]]:
    """Measure, features -> what it sees of each set.

    Args:
      sets: the images in question, then real ones, by which features are scaled.
      families: of features, by their names in MEASURES.
    """
    small = [resize(each, min(SIDE, each.images.shape[1])).images for each in sets]
    rings = [floors.ring(each.images) for each in sets]
    described = {name: [of(each.images) for each in sets] for name, of in families.items()}
    described["handmade"] = [
        np.concatenate([described[name][i] for name in HANDMADE], axis=1) for i in range(len(sets))
    ]
    described = {name: _standardise(each) for name, each in described.items()}
    described |= {"pixels": [floors.pixels(each) for each in small], "ring": rings}
    found = {key: described[key[1]] for key in MEASURES if key[1] in described}
    found[AUROC_NETWORK, "pixels"] = small
    return found


def _standardise(sets: list[np.ndarray]) -> list[np.ndarray]:
    """Features f[n,D] in standard deviations of the real ones: their units have no common measure.

    A feature that is the same in all real images is in those of all images. What is further off
    than FARTHEST counts as that far: a rare level would outweigh all else in a third power.
    """
    real = np.concatenate(sets[1:])
    spread, of_all = real.std(axis=0), np.concatenate(sets).std(axis=0)
    spread = np.where(spread > 1e-3 * of_all, spread, np.where(of_all > 0, of_all, 1))
    mean = real.mean(axis=0)
    return [np.clip((each - mean) / spread, -FARTHEST, FARTHEST).astype(float) for each in sets]


def _see(drawn: Drawn, against: str) -> Seen:
    synthetic, real, other = (
        difference_map.sum_up(each.images) for each in (drawn.synthetic, drawn.real, drawn.other)
    )
    return Seen(
        against,
        len(drawn.labels),
        synthetic,
        real,
        difference_map.subtract(synthetic, real),
        difference_map.subtract(other, real),
    )
