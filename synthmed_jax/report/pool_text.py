"""Runs under several seeds, as a section of the report."""

from __future__ import annotations

from synthmed_jax.data.counted import counted
from synthmed_jax.report.formats import DASH, p_value, percent, points, signed
from synthmed_jax.results.pool import Pool, PooledDifference
from synthmed_jax.results.section import Row, Section, SectionPicture, Table
from synthmed_jax.statistics.two_level import TwoLevelEstimate

FOREST, CURVE = "forest.png", "curve.png"
TITLE = "The same experiment under several seeds"


def heading(pool: Pool, difference: PooledDifference) -> str:
    """Returns a difference's name, with the share of real images where runs differ in it."""
    if not pool.is_curve:
        return difference.name
    return f"{difference.name}, {percent(difference.fraction)} of the real images"


def to_section(pool: Pool) -> Section:
    """Returns the section; its pictures lie beside it."""
    pictures = [
        SectionPicture(
            FOREST,
            "Forest plot: the difference of each seed with its interval, and of all seeds that "
            "count together.",
            "Differences of balanced accuracy on the real test images, in percentage points, with "
            "their 95 % intervals: over test images for a seed, over test images and seeds for the "
            "diamond. The dashed line is what the difference is to be above. Hollow and grey: "
            "seeds of the development, which the diamond leaves out. A hollow diamond: of too few "
            "seeds for a claim.",
        )
    ]
    if pool.is_curve:
        pictures.append(
            SectionPicture(
                CURVE,
                "Balanced accuracy of each arm against the share of real images.",
                "Balanced accuracy on the real test images by the share of each class that is fit "
                "and val, from which the generator learns too. Lines: means over seeds; dots: "
                "seeds. The test images are all others, so that they differ between the shares.",
            )
        )
    tables = [_pooled(pool), _by_seed(pool), _scores(pool), _runs(pool)]
    return Section(TITLE, paragraphs(pool), tuple(tables), tuple(pictures))


def paragraphs(pool: Pool) -> tuple[str, ...]:
    """Returns what the runs say together, in sentences."""
    watched = sorted({run.seed for run in pool.runs if run.is_development})
    seeds = sorted({run.seed for run in pool.runs})
    said = [
        f"{counted(len(pool.runs), 'run')} on the data set {pool.dataset}, under config.seed "
        f"{_listed(seeds)}. Each has a split, a generator, synthetic images and networks of its "
        "own."
    ]
    if watched:
        said.append(
            f"Results of seed {_listed(watched)} were watched while the program and its settings "
            "were chosen. They are shown, and left out of all that is said over seeds."
        )
    for each in pool.differences:
        said.append(_claim(heading(pool, each), each, pool))
    return tuple(said)


def _claim(name: str, difference: PooledDifference, pool: Pool) -> str:
    pooled = difference.pooled
    counted = sum(not each.is_development for each in difference.of_seeds)
    if difference.is_shown is None or pooled is None:
        return (
            f"{name}: no claim over seeds is made. That takes {pool.least_seeds} seeds that were "
            f"not watched during development, and there {'is' if counted == 1 else 'are'} "
            f"{counted}."
        )
    shown = "This shows it" if difference.is_shown else "This does not show it"
    below = pooled.high < difference.threshold
    return (
        f"{name}: {signed(pooled.estimate)} percentage points over {pooled.num_seeds} seeds "
        f"({_interval(pooled)}). {shown} to be above {signed(difference.threshold)} "
        f"points (one-sided p {_is(difference.p)}, by Holm {_p(difference.p_adjusted)})"
        + (": the whole interval lies below." if below else ".")
    )


def _by_seed(pool: Pool) -> Table:
    rows = [
        Row(
            f"{heading(pool, difference)}, seed {each.seed}"
            + (" (development)" if each.is_development else ""),
            (signed(each.estimate), f"{signed(each.low)} to {signed(each.high)}"),
        )
        for difference in pool.differences
        for each in difference.of_seeds
    ]
    units = "groups of images" if _is_grouped(pool) else "images"
    return Table(
        ("difference", "95 % interval"),
        tuple(rows),
        "Differences of balanced accuracy in percentage points, run by run. The intervals are over "
        f"test {units} of that run alone: another seed may well lie outside.",
    )


def _pooled(pool: Pool) -> Table:
    rows = [
        Row(
            heading(pool, each),
            (
                signed(each.pooled.estimate),
                f"{signed(each.pooled.low)} to {signed(each.pooled.high)}",
                points(each.pooled.error_over_images).split()[0],
                points(each.pooled.error_over_seeds).split()[0],
                str(each.pooled.num_seeds),
                signed(each.threshold),
                _p(each.p_adjusted),
            ),
        )
        for each in pool.differences
        if each.pooled is not None
    ]
    return Table(
        (
            "difference",
            "95 % interval",
            "error, images",
            "error, seeds",
            "seeds",
            "above",
            "p (Holm)",
        ),
        tuple(rows),
        "Means over the seeds that are not of the development, in percentage points. Error, "
        "images: standard error over draws of test images, each draw the same in all seeds, since "
        "most images are tested in all of them. Error, seeds: the standard deviation between "
        "seeds over the root of their number. The interval is Student's with both errors "
        "(degrees of freedom by Satterthwaite), and never narrower than with that of the seeds "
        "alone. p: one-sided, of the difference not being above the number in the column before "
        f"it, adjusted by Holm over all rows. Without {pool.least_seeds} seeds it is no claim.",
    )


def _runs(pool: Pool) -> Table:
    rows = tuple(
        Row(
            run.workdir,
            (
                f"{run.seed} (development)" if run.is_development else str(run.seed),
                percent(run.fraction),
                str(run.num_test),
            ),
        )
        for run in pool.runs
    )
    return Table(
        ("config.seed", "fit + val", "test images"),
        rows,
        "The runs, which agree in data, classes and all settings but config.seed"
        + (" and config.split.fraction." if pool.is_curve else "."),
    )


def _scores(pool: Pool) -> Table:
    rows = tuple(
        Row(
            point.arm
            + (f", {percent(point.fraction)} of the real images" if pool.is_curve else ""),
            (
                percent(point.mean),
                percent(min(point.scores)),
                percent(max(point.scores)),
                str(len(point.seeds)),
            ),
        )
        for point in pool.curve
    )
    return Table(
        ("balanced accuracy", "lowest", "highest", "seeds"),
        rows,
        "Balanced accuracy on the real test images of the network that stands for each arm: mean, "
        "lowest and highest over seeds (those of the development count where there are no "
        f"others). Guessing scores {percent(1 / len(pool.class_names))}: a difference between "
        "arms that are both there says nothing about images.",
    )


def _is_grouped(pool: Pool) -> bool:
    return any(each.unit == "group" for each in pool.differences)


def _interval(of: TwoLevelEstimate) -> str:
    return f"{percent(of.level, 0)} interval {signed(of.low)} to {signed(of.high)}"


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))


def _is(p: float | None) -> str:
    text = _p(p)
    return text if text.startswith("<") else f"= {text}"


def _p(p: float | None) -> str:
    if p is None:
        return DASH
    return p_value(p)
