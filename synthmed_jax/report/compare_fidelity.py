"""How far the synthetic images of runs can be told from real ones, side by side."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, MINUS, n_is
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.results.audit import FIT, FRECHET, HELD_OUT, Comparison, Measured
from synthmed_jax.results.fidelity_words import READING, REFERENCES, named
from synthmed_jax.results.section import Row, Table

_CAPTION = (
    "Synthetic against {reference}, all classes together, each with its 95 % interval over images; "
    "below it the same of two sets of real images, which shows what is chance, and n, the images "
    f"of each set. {READING} Runs with another n, size of images or data are not measured by the "
    "same yardstick."
)
_NO_FRECHET = (
    " Frechet distances are left out: they are above 0 by chance, the more so the fewer the "
    "images; each run's own report has them."
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
    for against in (HELD_OUT, FIT):
        of_runs = [
            {
                (each.measure, each.features): each
                for each in run.fidelity
                if each.against == against
            }
            for run in side.runs
        ]
        found = dict.fromkeys(key for of_run in of_runs for key in of_run)
        shown = [key for key in found if key[0] != FRECHET]
        rows = [
            Row(named(*key), tuple(_value(of_run.get(key)) for of_run in of_runs)) for key in shown
        ]
        if rows:
            caption = _CAPTION.format(reference=REFERENCES[against])
            without = "" if len(shown) == len(found) else _NO_FRECHET
            tables.append(Table(side.names, tuple(rows), caption + without))
    return tables


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
