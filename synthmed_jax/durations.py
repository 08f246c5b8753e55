"""Durations as people say them."""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    for unit, size, least in [("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2)]:
        if seconds >= least * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 or unit == "min" else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s"
