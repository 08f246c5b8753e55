"""The stage that asks of the synthetic images themselves how far they can be told from real ones.

It needs no classifier of the classes. It reads the held-out images, and nothing that it writes
leads to a choice: the report alone shows it.
"""

from __future__ import annotations

from synthmed_jax.audit import (
    difference_picture,
    fidelity,
    fidelity_text,
    memorisation,
    memorisation_picture,
    memorisation_text,
)
from synthmed_jax.data import held_out
from synthmed_jax.files import write_bytes
from synthmed_jax.results.section import FILE, Section
from synthmed_jax.stages import generate, membership, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    _measure_fidelity(run).write(run.workdir.audit / FILE)
    _look_for_copies(run).write(run.workdir.audit / memorisation_text.FILE)
    membership.measure(run)


def _measure_fidelity(run: Run) -> Section:
    """Writes fidelity.json and its picture; returns what the report says of them."""
    inputs, settings, folder = run.inputs, run.settings.audit, run.workdir.audit
    test = held_out.read_test(run.workdir.split, inputs.data)
    found, seen = fidelity.measure_fidelity(
        inputs.synthetic, inputs.parts.fit, test, settings.images, settings.seed
    )
    if seen:
        words = fidelity_text.REFERENCES[seen[-1].against]
        write_bytes(folder / fidelity_text.PICTURE, difference_picture.draw(seen[-1], words))
    found.write(run.workdir.audit_fidelity)
    return fidelity_text.to_section(found)


def _look_for_copies(run: Run) -> Section:
    """Writes memorisation.json and its pictures; returns what the report says of them."""
    inputs, settings, folder = run.inputs, run.settings, run.workdir.audit
    found, seen = memorisation.measure_memorisation(
        inputs.synthetic, inputs.parts.fit, settings.diffusion.flips, settings.audit.seed
    )
    if seen is not None:
        distances = memorisation_picture.draw_distances(seen)
        write_bytes(folder / memorisation_text.DISTANCES, distances)
        pairs = memorisation_picture.draw_pairs(seen, found.closest)
        write_bytes(folder / memorisation_text.PAIRS, pairs)
    found.write(run.workdir.audit_memorisation)
    return memorisation_text.to_section(found)


STAGE = Stage(
    "audit",
    _run,
    fields=("audit.",),
    inputs=(split.STAGE, generate.STAGE),
    units=generate.images_per_class,
)
