"""The part of the audit that attacks membership: losses, nearness, and what they come to."""

from __future__ import annotations

import numpy as np

from synthmed_jax.audit import membership, membership_picture, membership_scores, membership_text
from synthmed_jax.data import held_out
from synthmed_jax.data.image_set import concatenate
from synthmed_jax.diffusion import likelihood
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.diffusion.denoising_loss import losses_of_generators, steps_at
from synthmed_jax.errors import UserError
from synthmed_jax.files import write_bytes
from synthmed_jax.parallel import Tree
from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.membership import FILE, Membership
from synthmed_jax.stages import diffusion, references
from synthmed_jax.stages.run import Run


def measure(run: Run, sets: held_out.MembershipSets) -> Membership:
    """Writes membership.json, its picture and its section of the report; returns what it holds."""
    settings, folder = run.settings.audit, run.workdir.audit
    fit = run.inputs.parts.fit
    why = membership.why_not(sets)
    if why:
        found = membership.not_judged(sets, fit.counts, why, settings.images, settings.seed)
    else:
        generators = diffusion.trained_generators(run)
        steps = steps_at(membership.LEVELS, run.compiled.model.schedule.num_steps)
        losses = losses_of(run, [each[:2] for each in generators], sets, steps)
        nearness = membership_scores.nearness_scores(
            sets, run.inputs.synthetic, run.settings.diffusion.flips
        )
        bits = _bits(run, generators)
        filtered = None
        if run.settings.generate.filters:
            filtered = membership_scores.nearness_scores(
                sets, run.inputs.filtered, run.settings.diffusion.flips
            )
        found, scores = membership.judge(
            sets,
            fit.counts,
            losses,
            steps,
            nearness,
            bits,
            settings.images,
            settings.seed,
            filtered,
            _calibrated(run, sets, losses, steps),
        )
        write_bytes(folder / membership_text.PICTURE, membership_picture.draw(scores))
    found.write(folder / FILE)
    membership_text.to_section(found).write(folder / membership_text.FILE)
    return found


def read_sets(run: Run) -> held_out.MembershipSets:
    """Real images that the generators have learned, and as many others."""
    settings = run.settings.audit
    return held_out.read_membership(
        run.workdir.split, run.inputs.data, run.settings.split, settings.images, settings.seed
    )


def losses_of(
    run: Run,
    generators: list[tuple[Portion, Tree]],
    sets: held_out.MembershipSets,
    steps: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Denoising losses f64[N,L] of members and of others, each by the generator of its class.

    Noise goes by an image's number in its set: the first member and the first other image share it.
    """
    n = len(sets.members)
    losses = losses_of_generators(
        run.compiled.model,
        generators,
        concatenate(sets.members, sets.others),
        np.tile(np.arange(n), 2),
        steps,
        membership.DRAWS,
        run.settings.diffusion.train.batch_size,
        run.settings.audit.seed,
    )
    return losses[:n], losses[n:]


def _calibrated(
    run: Run,
    sets: held_out.MembershipSets,
    losses: tuple[np.ndarray, np.ndarray],
    steps: np.ndarray,
) -> tuple[membership_scores.Scores, int] | None:
    """Scores by loss, calibrated by generators of other seeds, and their number; None: of none.

    Raises:
      UserError: these have learned nearly all of the images.
    """
    found = references.read(run)
    if not found:
        return None
    learned = []
    for images, groups in (
        (sets.members, sets.member_groups),
        (sets.others, sets.others_groups),
    ):
        learned.append(np.stack([each.has_learned(images.files) for each in found]))
        is_new = ~learned[-1].all(axis=0)
        asked = len(np.unique(groups[is_new]))
        if asked < membership.LEAST:
            raise UserError(
                f"config.audit.references: of {len(images)} images only {int(is_new.sum())} are "
                f"new to a generator of these workdirs, in {asked} groups of images that belong "
                f"together, and {membership.LEAST} are needed: name more of them"
            )
    theirs = zip(*[losses_of(run, each.generators, sets, steps) for each in found], strict=True)
    members, others = (
        membership_scores.calibrate(own, np.stack(of_references), known)
        for own, of_references, known in zip(losses, theirs, learned, strict=True)
    )
    return membership_scores.calibrated_scores(losses, (members, others)), len(found)


def _bits(
    run: Run, generators: list[tuple[Portion, Tree, str]]
) -> dict[str, dict[str, BitsPerDimension]]:
    """Bits per dimension of some images of `fit`, and of as many of `val` as there are."""
    found: dict[str, dict[str, BitsPerDimension]] = {"fit": {}, "val": {}}
    for portion, params, _ in generators:
        for name, part in (("fit", portion.fit), ("val", portion.val)):
            if len(part):
                found[name][portion.folder or "all"] = likelihood.bits_per_dimension(
                    run.compiled.model,
                    params,
                    part,
                    run.settings.diffusion.train.batch_size,
                    run.settings.audit.seed,
                )
    return found
