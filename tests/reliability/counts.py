"""Counts how cases end: each test adds its own, and the session prints the sum."""

from __future__ import annotations

import collections
from collections.abc import Iterable

import pytest

KEY = "reliability"


def add(request: pytest.FixtureRequest, what: str, verdict: str) -> None:
    """Counts one case; the processes of a session hand such properties to the one that prints."""
    request.node.user_properties.append((KEY, f"{what}: {verdict}"))


def table(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Returns a line for each kind of case."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == KEY and report.when == "call":
                what, _, verdict = str(value).partition(": ")
                counts[what][verdict] += 1
    return [
        f"{what}: {sum(of.values())} tried; " + ", ".join(f"{n} {v}" for v, n in of.most_common())
        for what, of in sorted(counts.items())
    ]
