"""Checks of values that a user gives: each error names the field, the value and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from synthmed_jax.errors import UserError


def one_of(field: str, value: object, choices: Iterable[object]) -> None:
    """Raises UserError unless `value` is among `choices`; the error suggests the nearest."""
    names = [str(choice) for choice in choices]
    if str(value) not in names:
        near = difflib.get_close_matches(str(value), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(f"{field}={value!r} is not one of {', '.join(names)}{hint}")


def at_least(field: str, value: float, least: float) -> None:
    """Raises UserError unless value >= least (NaN is refused)."""
    if not value >= least:
        raise UserError(f"{field}={value} must be at least {least}")


def between(field: str, value: float, low: float, high: float) -> None:
    """Raises UserError unless low <= value < high (NaN is refused)."""
    if not low <= value < high:
        raise UserError(f"{field}={value} must be at least {low} and below {high}")


def above(field: str, value: float, low: float) -> None:
    """Raises UserError unless value > low (NaN is refused)."""
    if not value > low:
        raise UserError(f"{field}={value} must be above {low}")
