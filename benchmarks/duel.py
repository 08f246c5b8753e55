"""Timing of two or more contestants in one process, by turns, so that a noisy machine is fair.

Machines that share their cores vary by tens of per cent within minutes: only the ratios of
neighbouring turns count, and of those the median.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SECONDS_A_TURN = 3.0


def turn(call: Callable[[], None]) -> float:
    """Calls a second, over at least SECONDS_A_TURN and two calls."""
    calls, started = 0, time.perf_counter()
    while calls < 2 or time.perf_counter() - started < SECONDS_A_TURN:
        call()
        calls += 1
    return calls / (time.perf_counter() - started)


def run(
    name: str,
    contestants: Mapping[str, Callable[[], None]],
    *,
    ours: str,
    pairs: int,
    per_call: float,
    unit: str,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Lets contestants take turns and prints the result as one line of JSON, the last.

    Args:
      name: of the benchmark.
      contestants: each a function that does one call's work and waits until it is done; all but
        `ours` (and those whose name starts with "_", which are measured for `more`) are peers.
      ours: the contestant that is ours.
      pairs: rounds, in each of which everyone has one turn.
      per_call: amount of `unit` in a call, e.g. images.
      unit: what is counted a second.
      more: put into the result.

    Returns:
      name, ratio (ours over the best peer, the median over rounds; more is better), ratios, pairs,
      ours, peer, unit, best_peer, and every contestant's rates, one a round.
    """
    for call in contestants.values():
        call()  # compiles
        call()
    rates: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    for number in range(pairs):
        order = list(contestants) if number % 2 == 0 else list(contestants)[::-1]
        for contestant in order:
            rates[contestant].append(per_call * turn(contestants[contestant]))
        said = ", ".join(f"{c} {rates[c][-1]:.4g}" for c in contestants)
        print(f"{name} {number + 1}/{pairs}: {said} {unit}", flush=True)
    peers = [c for c in contestants if c != ours and not c.startswith("_")]
    best = max(peers, key=lambda peer: statistics.median(rates[peer]))
    return {
        "name": name,
        "ratio": ratio(rates[ours], rates[best]),
        "ratios": [a / b for a, b in zip(rates[ours], rates[best], strict=True)],
        "pairs": pairs,
        "ours": statistics.median(rates[ours]),
        "peer": statistics.median(rates[best]),
        "unit": unit,
        "best_peer": best,
        "rates": rates,
        **(more or {}),
    }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over rounds of one contestant's rates over another's."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def report(result: Mapping[str, Any]) -> None:
    """Prints a result as the last line, its numbers to four digits."""
    print(json.dumps(_rounded(result)), flush=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
