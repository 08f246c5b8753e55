"""The words for what audit/fidelity.json measures, the same wherever its numbers are shown."""

from __future__ import annotations

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
)

REFERENCES = {FIT: "fit images", HELD_OUT: "held-out images"}
MEASURES = {
    AUROC_FOREST: "told apart by a forest",
    AUROC_NETWORK: "told apart by a network",
    KID: "kernel distance",
    DENSITY: "density",
    COVERAGE: "coverage",
    FRECHET: "Frechet distance",
}
FEATURES = {
    "pixels": "pixels",
    "handmade": "hand-made features",
    "ring": "outermost ring of pixels",
    "random_convolutions": "random convolutions",
    "histogram": "histogram",
    "glcm": "co-occurrence",
    "lbp": "local patterns",
    "spectrum": "spectrum",
    PRETRAINED: "features of a pretrained network",
}
# How to read the numbers, for the caption of a table. That of Frechet distances is apart: a table
# that leaves them out says so instead.
READING = (
    "Told apart: AUROC of a cross-fitted classifier of the two sets, 0.5 where it can't, 1 where "
    "it always can; well below 0.5, images of the one set have near copies in the other. Kernel "
    "distance (KID): 0 on average for two sets of one distribution. Density: about 1 for those, "
    "lower where images lie where no real ones do. Coverage: share of real images with a compared "
    "one near them."
)


def named(measure: str, features: str) -> str:
    """Returns the name of one measure in some features, for a row or a column of a table."""
    return f"{MEASURES[measure]}, {FEATURES[features]}"
