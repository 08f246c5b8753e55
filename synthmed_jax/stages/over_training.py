"""The part of the audit that looks back: what weights that were kept along the training do.

It is done where `diffusion.train.keep_every` asks for it, and leads to no choice.
"""

from __future__ import annotations

import numpy as np

from synthmed_jax.audit import (
    copy_search,
    membership,
    membership_scores,
    over_training_picture,
    over_training_text,
)
from synthmed_jax.data.held_out import MembershipSets
from synthmed_jax.diffusion import kept, train
from synthmed_jax.diffusion.conditioning import Portion
from synthmed_jax.diffusion.denoising_loss import steps_at
from synthmed_jax.files import write_bytes
from synthmed_jax.parallel import Tree
from synthmed_jax.progress import progress_over
from synthmed_jax.results.generator import GeneratorEnd
from synthmed_jax.results.memorisation import UNION
from synthmed_jax.results.over_training import FILE, AtStep, OverTraining
from synthmed_jax.stages.membership import losses_of
from synthmed_jax.stages.run import Run
from synthmed_jax.statistics.roc import AreaEstimate, estimate_area

IMAGES = 200
"""Per class, drawn with the weights of each step."""


def measure(run: Run, sets: MembershipSets) -> None:
    """Writes over_training.json, its picture and its section of the report."""
    keep_every, folder = run.settings.diffusion.train.keep_every, run.workdir.audit
    if not keep_every:
        return
    search, why_no_attack = run.compiled.copy_search, membership.why_not(sets)
    steps = progress_over(_steps(run), description="audit over training", unit="step")
    points = [_at_step(run, step, search, None if why_no_attack else sets) for step in steps]
    found = OverTraining(
        keep_every=keep_every,
        images=IMAGES,
        false_alarms=None if isinstance(search, str) else search.false_alarms(UNION),
        why_no_search=search if isinstance(search, str) else "",
        why_no_attack=why_no_attack,
        chosen=tuple(
            GeneratorEnd.read(each / "best.json").step for each in run.inputs.generator_folders
        ),
        points=tuple(points),
    )
    if found.points:
        write_bytes(folder / over_training_text.PICTURE, over_training_picture.draw(found))
    found.write(folder / FILE)
    over_training_text.to_section(found).write(folder / over_training_text.FILE)


def _steps(run: Run) -> list[int]:
    """Those of which every generator has kept weights; one may have stopped earlier."""
    return sorted(set.intersection(*(set(kept.steps(f)) for f in run.inputs.generator_folders)))


def _at_step(
    run: Run, step: int, search: copy_search.Calibrated | str, sets: MembershipSets | None
) -> AtStep:
    settings, model = run.settings.diffusion.train, run.compiled.model
    generators, losses = [], []
    for portion in run.inputs.portions:
        folder = run.workdir.diffusion / portion.folder
        params, loss = train.load_kept(settings, model, folder, step)
        generators.append((portion, params))
        losses.append(loss)
    measured = [loss for loss in losses if loss is not None]
    flagged = strictly = None
    if not isinstance(search, str):
        nearest = search.look(_draw(run, generators))
        flagged = search.count(nearest, UNION)
        strictly = search.count_strictly(nearest)
    return AtStep(
        step=step,
        val_loss=float(np.mean(measured)) if measured else None,
        flagged=flagged,
        flagged_strictly=strictly,
        area=None if sets is None else _attack(run, generators, sets),
    )


def _draw(run: Run, generators: list[tuple[Portion, Tree]]) -> np.ndarray:
    """u8[N,S,S,C]: IMAGES of every class, from the same noise at every step."""
    index = np.arange(IMAGES, dtype=np.int32)
    return np.concatenate(
        [
            run.compiled.draw(params, np.full(IMAGES, label, np.int32), index)
            for portion, params in generators
            for label in portion.labels.values()
        ]
    )


def _attack(run: Run, generators: list[tuple[Portion, Tree]], sets: MembershipSets) -> AreaEstimate:
    steps = steps_at(membership.LEVELS, run.compiled.model.schedule.num_steps)
    losses = losses_of(run, generators, sets, steps)
    scores = membership_scores.loss_scores(*losses)
    return estimate_area(*scores, sets.member_groups, sets.others_groups)
