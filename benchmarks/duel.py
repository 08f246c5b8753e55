"""Times contestants in turn, so that a noisy machine treats them alike.

On shared cores speed varies by tens of per cent within minutes. Only ratios of neighbouring turns
can be trusted; the result is their median.
"""

from __future__ import annotations

import functools
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SECONDS_PER_TURN = 3.0

# Seconds -> calls per second, measured over so many seconds and two calls at least.
Turn = Callable[[float], float]


def turn(call: Callable[[], None], seconds: float) -> float:
    """As `Turn`; `call` does the work of one call and waits until it is done."""
    calls, started = 0, time.perf_counter()
    while calls < 2 or time.perf_counter() - started < seconds:
        call()
        calls += 1
    return calls / (time.perf_counter() - started)


def here(calls: Mapping[str, Callable[[], None]]) -> dict[str, Turn]:
    """The turns of contestants that work in this process."""
    return {name: functools.partial(turn, call) for name, call in calls.items()}


def run(
    name: str,
    contestants: Mapping[str, Turn],
    *,
    ours: str,
    pairs: int,
    per_call: float,
    unit: str,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Lets contestants take turns and prints the result as one line of JSON, the last.

    Args:
      name: name of the benchmark.
      contestants: by name. All are peers, except `ours` and those whose name starts with "_",
        which are only measured.
      ours: name of our contestant.
      pairs: number of rounds; everyone has one turn per round.
      per_call: how much one call does, such as its number of images.
      unit: what the rates count, such as "images/s".
      more: further entries of the result.

    Returns:
      name, ratio (our rate over the best peer's, the median over rounds; higher is better), ratios,
      pairs, ours, peer, unit, best_peer, and every contestant's rates, one per round.
    """
    for take_turn in contestants.values():
        take_turn(0.0)  # compiles
    rates: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    for number in range(pairs):
        order = list(contestants) if number % 2 == 0 else list(contestants)[::-1]
        for contestant in order:
            rates[contestant].append(per_call * contestants[contestant](SECONDS_PER_TURN))
        latest = ", ".join(f"{c} {rates[c][-1]:.4g}" for c in contestants)
        print(f"{name} {number + 1}/{pairs}: {latest} {unit}", flush=True)
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
    """Returns the median over rounds of one contestant's rate divided by another's."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def report(result: Mapping[str, Any]) -> None:
    """Prints a result as one line of JSON, its numbers to four digits."""
    print(json.dumps(_rounded(result)), flush=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
