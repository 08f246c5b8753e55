"""The stage that asks of the synthetic images themselves how far they can be told from real ones.

It needs no classifier of the classes. It reads the held-out images, and nothing that it writes
leads to a choice: the report alone shows it.
"""

from __future__ import annotations

import dataclasses

from synthmed_jax.audit import (
    difference_picture,
    fidelity,
    fidelity_text,
    memorisation,
    memorisation_picture,
    memorisation_text,
    release,
    release_text,
)
from synthmed_jax.data import held_out
from synthmed_jax.diffusion.generate_settings import COPIES
from synthmed_jax.files import write_bytes
from synthmed_jax.results.fidelity_words import REFERENCES
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.results.section import FILE, Section
from synthmed_jax.stages import (
    audit_network,
    audit_time,
    base,
    copy_filter,
    generate,
    membership,
    over_training,
    references,
    split,
)
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run


def _run(run: Run) -> None:
    _measure_fidelity(run).write(run.workdir.audit / FILE)
    sets = membership.read_sets(run)
    attacks = membership.measure(run, sets)
    copies = _look_for_copies(run, sets)
    without_copies = COPIES in run.settings.generate.filters
    copies = dataclasses.replace(copies, release=release.judge(copies, attacks, without_copies))
    copies.write(run.workdir.audit_memorisation)
    release_text.to_section(copies).write(run.workdir.audit / release_text.FILE)
    over_training.measure(run, sets)


def _measure_fidelity(run: Run) -> Section:
    """Writes fidelity.json and its picture; returns what the report says of them."""
    inputs, settings, folder = run.inputs, run.settings.audit, run.workdir.audit
    test = held_out.read_test(run.workdir.split, inputs.data)
    found, seen = fidelity.measure_fidelity(
        inputs.synthetic,
        inputs.parts.fit,
        test,
        settings.images,
        settings.seed,
        audit_network.load(run),
    )
    if seen:
        words = REFERENCES[seen[-1].against]
        write_bytes(folder / fidelity_text.PICTURE, difference_picture.draw(seen[-1], words))
    found.write(run.workdir.audit_fidelity)
    return fidelity_text.to_section(found)


def _look_for_copies(run: Run, sets: held_out.MembershipSets) -> AuditMemorisation:
    """Writes pictures of copies and what the report says of them; returns what was found."""
    inputs, settings, folder = run.inputs, run.settings, run.workdir.audit
    found, seen = memorisation.measure_memorisation(
        inputs.synthetic,
        inputs.parts.fit,
        settings.diffusion.flips,
        settings.audit.seed,
        run.compiled.copy_search,
        sets.others.images[~sets.linked],
    )
    if seen is not None:
        distances = memorisation_picture.draw_distances(seen)
        write_bytes(folder / memorisation_text.DISTANCES, distances)
        pairs = memorisation_picture.draw_pairs(seen, found.closest)
        write_bytes(folder / memorisation_text.PAIRS, pairs)
    memorisation_text.to_section(found).write(folder / memorisation_text.FILE)
    return found


def _units(run: Run) -> tuple[str, ...]:
    """The audit is made anew for other images or weights, and where a filter comes or goes.

    So it is for weights that were kept along the training, which an earlier audit may not have
    been asked to look back at.
    """
    filtered = copy_filter.unit(run)
    looked_back = ("over training",) if run.settings.diffusion.train.keep_every else ()
    return (*generate.images_per_class(run), *audit_network.units(run), *filtered, *looked_back)


def _check(run: Run) -> None:
    audit_network.check(run)
    references.check(run)


def _expect(run: Run) -> float:
    seconds = audit_time.seconds_to_compare(run) + audit_time.seconds_to_attack(run)
    # A filter of copies that is still to run calibrates the search that both use.
    shared = COPIES in run.settings.generate.filters
    if not shared or base.is_finished(run, copy_filter.STAGE):
        seconds += audit_time.seconds_to_calibrate(run)
    return seconds + audit_time.seconds_to_search(run) + audit_time.seconds_to_look_back(run)


def _filtered(run: Run) -> tuple[Stage, ...]:
    return (copy_filter.STAGE,) if copy_filter.is_wanted(run) else ()


STAGE = Stage(
    "audit",
    _run,
    fields=("audit.",),
    ignored=audit_network.FIELDS,
    inputs=(split.STAGE, generate.STAGE),
    inputs_if=_filtered,
    digests=references.digests,
    units=_units,
    check=_check,
    expect=_expect,
)
