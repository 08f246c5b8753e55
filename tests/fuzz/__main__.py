"""Fuzzes what reads files: `python -m tests.fuzz --executions=100000`; ends with 1 on failures."""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile

from synthmed_jax.data.formats.quiet import quiet
from tests.fuzz.engine import Outcome, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzzes the targets that were asked for, and prints what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=10_000, help="of each target")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--failing", type=pathlib.Path, default=pathlib.Path("fuzz_failures"))
    given = parser.parse_args()
    in_memory = pathlib.Path("/dev/shm")
    outcomes = []
    for name in given.target or list(TARGETS):
        where = in_memory if in_memory.is_dir() else None
        # `quiet` for what libraries log; warnings are looked for all the same.
        with tempfile.TemporaryDirectory(dir=where) as folder, quiet():
            outcome = fuzz(
                name,
                TARGETS[name],
                given.executions,
                given.seed,
                pathlib.Path(folder),
                given.failing,
                first=given.first,
            )
        print(_describe(name, outcome), flush=True)
        outcomes.append(outcome)
    failed = sum(sum(outcome.failures.values()) for outcome in outcomes)
    print(f"{sum(each.executions for each in outcomes)} executions, {failed} failures")
    if failed:
        print(f"inputs and tracebacks are in {given.failing}")
    return int(failed > 0)


def _describe(name: str, outcome: Outcome) -> str:
    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "none"

    seconds, number = outcome.slowest
    return (
        f"{name}: {outcome.executions} executions in {outcome.seconds:.0f} s; {outcome.read} read; "
        f"refused: {listed(outcome.refused)}; failures: {listed(outcome.failures)}; "
        f"slowest {seconds:.2f} s (input {number})"
    )


if __name__ == "__main__":
    sys.exit(main())
