"""What the audit says of a generator that was trained otherwise: one run per variant.

    python -m benchmarks.audit_variants --config=configs/covid_ddpm.py:cpu --folder=/runs/curve \
        --variant='2000 steps: diffusion.train.steps=2000 diffusion.train.val_every=2000' \
        --variant='9000 steps: diffusion.train.steps=9000 diffusion.train.val_every=9000'

Copies over training steps, as here (checked once, at the end, so that the last weights are drawn
from); or what an option costs: --utility also trains classifiers. Workdirs stay in the folder, and
the same command goes on where it was. Other options are passed on to main.py.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from benchmarks import command
from synthmed_jax import best_cells
from synthmed_jax.arms import FILTERED, SYNTHETIC
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.membership import FILE, Membership
from synthmed_jax.results.memorisation import AuditMemorisation, Rate
from synthmed_jax.workdir import Workdir

AUDITED = ("split", "diffusion", "generate", "audit")
JUDGED = ("classify", "evaluate")
_NONE = "-"


def parse_variant(text: str) -> tuple[str, list[str]]:
    """Returns "name: field=value field=value" as its name and options of main.py.

    Raises:
      argparse.ArgumentTypeError: it has no name, or a field has no value.
    """
    name, colon, fields = text.partition(":")
    options = [f"--config.{field}" for field in fields.split()]
    if not colon or not name.strip() or not all("=" in option for option in options):
        raise argparse.ArgumentTypeError(f"{text!r} is not <name>: <field>=<value> ...")
    return name.strip(), options


def measured(root: pathlib.Path) -> list[str]:
    """Returns the cells of a workdir's row: copies, attacks, verdicts, accuracies."""
    workdir = Workdir(root)
    copies = AuditMemorisation.read(workdir.audit_memorisation)
    attacks = Membership.read(workdir.audit / FILE).attacks
    evaluation = Evaluation.read_if_there(workdir.evaluation)
    cells = {} if evaluation is None else best_cells.headline(evaluation.cells)
    accuracies = [
        f"{arm} {100 * cells[arm].mean.balanced_accuracy:.1f}"
        for arm in (SYNTHETIC, FILTERED)
        if arm in cells
    ]
    areas = [
        f"{each.name} {each.area.value:.3f} ({each.area.low:.3f} to {each.area.high:.3f})"
        for each in attacks
    ]
    return [
        _words(copies.copied),
        _words(copies.copied_strictly),
        _words(copies.fit_copied),
        "; ".join(areas) or _NONE,
        "; ".join(f"{each.released}: {each.verdict}" for each in copies.release),
        "; ".join(accuracies) or _NONE,
    ]


def _words(rate: Rate | None) -> str:
    if rate is None:
        return _NONE
    return f"{rate.share:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Runs each variant and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--variant", type=parse_variant, action="append", required=True)
    parser.add_argument("--utility", action="store_true")
    options, others = command.parse(parser)
    stages = list(AUDITED) + (list(JUDGED) if options.utility else [])
    headings = ("variant", "flagged", "strictly", "fit copied", "AUROC", "verdicts", "accuracy, %")
    lines = [_line(headings), _line(["---"] * len(headings))]
    for name, changes in options.variant:
        root = options.folder / "".join(c if c.isalnum() else "_" for c in name)
        # The filter goes before the audit, which attacks what it left.
        filtered = ["filter"] if any("generate.filter=" in each for each in changes) else []
        chosen = ",".join([*stages[:3], *filtered, *stages[3:]])
        command.run([*others, *changes, f"--stages={chosen}"], root, options.folder / "caches")
        lines.append(_line([name, *measured(root)]))
        print(lines[-1], flush=True)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
