"""How far the synthetic images of runs can be told from real ones, side by side."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, MINUS, n_is
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.results.audit import (
    AUROC_FOREST,
    AUROC_NETWORK,
    COVERAGE,
    DENSITY,
    FIT,
    HELD_OUT,
    KID,
    PRETRAINED,
    Comparison,
    Measured,
)
from synthmed_jax.results.section import Row, Table

# Frechet distances are above 0 by chance, the more so the fewer the images: those of runs with
# other numbers of images can't stand beside each other.
MEASURES = {
    AUROC_FOREST: "AUROC of a forest on",
    AUROC_NETWORK: "AUROC of a network on",
    KID: "KID in",
    DENSITY: "density in",
    COVERAGE: "coverage in",
}
FEATURES = {
    "pixels": "pixels",
    "ring": "the outermost ring of pixels",
    "handmade": "hand-made features",
    "random_convolutions": "random convolutions",
    PRETRAINED: "features of a pretrained network",
}
_REFERENCES = {HELD_OUT: "held-out images", FIT: "fit images"}
_CAPTION = (
    "Synthetic against {reference}, all classes together, each with its 95 % interval over images; "
    "below it the same of two sets of real images, which shows what is chance, and n, the images "
    "of each set. AUROC of telling the two sets apart (a classifier two-sample test): 0.5 where "
    "nothing can, 1 where it always can. KID: 0 on average for sets of one distribution. Density: "
    "about 1 for those. Coverage: share of real images with a synthetic one near them. Runs with "
    "another n, size of images or data are not measured by the same yardstick."
)


def nearness_table(side: SideBySide) -> Table:
    """Returns how near synthetic images lie to the training images."""
    values = tuple(DASH if run.nearness is None else f"{run.nearness:.2f}" for run in side.runs)
    return Table(
        side.names,
        (Row("ratio of distances", values),),
        "Median distance of synthetic images to their nearest fit image over that of val images; 1 "
        "for images like new real ones. It sees no single copy.",
    )


def fidelity_tables(side: SideBySide) -> list[Table]:
    """Returns a table per set of real images that synthetic ones were compared with."""
    tables = []
    for against, reference in _REFERENCES.items():
        of_runs = [
            {
                (each.measure, each.features): each
                for each in run.fidelity
                if each.against == against and each.measure in MEASURES
            }
            for run in side.runs
        ]
        keys = dict.fromkeys(key for of_run in of_runs for key in of_run)
        rows = [
            Row(_name(*key), tuple(_value(of_run.get(key)) for of_run in of_runs)) for key in keys
        ]
        if rows:
            tables.append(Table(side.names, tuple(rows), _CAPTION.format(reference=reference)))
    return tables


def _name(measure: str, features: str) -> str:
    return f"{MEASURES[measure]} {FEATURES.get(features, features)}"


def _value(found: Comparison | None) -> str:
    if found is None:
        return DASH
    of, real = found.synthetic, found.real
    if of is None:
        return f"{DASH}\n{found.why}"
    lines = [_number(of.value), _ends(of)]
    if real is not None:
        lines.append(f"real {_number(real.value)} ({_ends(real)})")
    return "\n".join([*lines, n_is(found.num_images)])


def _ends(of: Measured) -> str:
    return f"{_number(of.low)} to {_number(of.high)}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)
