"""Numbers as text."""

from __future__ import annotations

from synthmed_jax.results.cells import Cell, amount_text
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Interval

NBSP = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"  # stands for a number that there is not
MINUS = "\N{MINUS SIGN}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
TEST_IMAGES = "real test images"


def n_is(count: int | str) -> str:
    """Returns "n = 60" in one piece: no line breaks inside it."""
    return f"n{NBSP}={NBSP}{count}"


def of_trainings(count: int) -> str:
    """Returns "n = 3 trainings"."""
    return f"{n_is(count)} training{'' if count == 1 else 's'}"


def percent(share: float, digits: int = 1) -> str:
    """Returns 0.8694 as "86.9 %"."""
    return f"{100 * share:.{digits}f}{NBSP}%"


def points(difference: float) -> str:
    """Returns 0.1131 as "11.3 percentage points", without its sign."""
    return f"{abs(100 * difference):.1f} percentage points"


def p_value(p: float) -> str:
    """Returns 0.0123 as "0.012", and what would be 0.000 as "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Returns 192.4 as "3 min 12 s"."""
    if seconds < 60:
        return f"{seconds:.1f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min"


def amount(cell: Cell) -> str:
    """Returns how many images per class a cell was trained on."""
    if cell.n is None:
        return "all fit images"
    by_class = isinstance(cell.n, tuple)
    return f"{amount_text(cell.n)} images {'by' if by_class else 'per'} class"


def short_name(cell: Cell) -> str:
    """Returns "resnet18, synthetic, n 500", a cell's name in tables and charts."""
    return "{backbone}, {arm}, n {n}".format(**cell.texts)


def interval(of: Interval) -> str:
    """Returns "95 % interval 85.1 % to 88.5 %"."""
    return f"{percent(of.level, 0)} interval {percent(of.low)} to {percent(of.high)}"


def signed_interval(of: GroupEstimate) -> str:
    """Returns "95 % interval -10.2 to +1.6 percentage points", of a difference."""
    low, high = (signed(end) for end in (of.low, of.high))
    return f"{percent(of.level, 0)} interval {low} to {high} percentage points"


def signed(difference: float) -> str:
    """Returns -0.1131 as "-11.3" with a minus sign, and 0.02 as "+2.0"."""
    return f"{100 * difference:+.1f}".replace("-", MINUS)


def accuracy(cell: CellScores) -> str:
    """Returns a cell's test accuracy with its spread, interval and number of trainings."""
    mean, of_mean = percent(cell.mean.test_accuracy), interval(cell.accuracy_interval)
    if cell.std is None:
        return f"{mean} (one training; {of_mean})"
    return (
        f"{mean} {PLUS_MINUS}{NBSP}{percent(cell.std.test_accuracy)} (mean and standard deviation "
        f"of {len(cell.folds)} trainings; {of_mean})"
    )
