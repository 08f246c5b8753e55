"""Writes RESULTS.md and its pictures; see the package."""

from __future__ import annotations

import argparse
import pathlib

from benchmarks.study import page
from benchmarks.study.runs import read_designs
from synthmed_jax.files import write_bytes, write_text

_ROOT = pathlib.Path(__file__).parents[2]


def main() -> None:
    """Reads --results, and writes RESULTS.md beside it and its pictures into it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, default=_ROOT / "results")
    results = parser.parse_args().results
    designs = read_designs(results)
    for design in designs:
        for name, content in page.pictures_of(design).items():
            write_bytes(results / "pictures" / name, content)
    write_text(results.parent / "RESULTS.md", page.render(designs, f"{results.name}/pictures"))


if __name__ == "__main__":
    main()
