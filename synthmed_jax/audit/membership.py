"""Attacks on membership: can images that a generator has learned be told from others like them?

All scores are high for members. What is asked is declared: the mean over all levels of noise, one
nearness; nothing is chosen by how well it came out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthmed_jax import verdicts
from synthmed_jax.audit import blind
from synthmed_jax.audit.membership_scores import Scores, loss_scores
from synthmed_jax.classifiers.inputs import resize
from synthmed_jax.data.held_out import MembershipSets
from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.membership import (
    CALIBRATED,
    FILTERED_ONLY,
    FOREST,
    IMAGES_AND_WEIGHTS,
    IMAGES_ONLY,
    LOSS,
    NEARNESS,
    NEARNESS_OF_FILTERED,
    PNG_SIZE,
    VARIATION,
    Attack,
    Blind,
    LevelArea,
    Membership,
)
from synthmed_jax.statistics import roc
from synthmed_jax.statistics.intervals import LEVEL
from synthmed_jax.statistics.multiple import adjust_by_holm
from synthmed_jax.statistics.permutation import p_lower_mean

LEVELS = (0.03, 0.08, 0.15, 0.25)  # shares of T: little noise, where details of an image are seen
# Of noise, per image and level. On CT, attacks with 1, 2 and 4 draws have areas within 0.01 of each
# other; scores of 2 draws correlate with those of 8 by 0.99.
DRAWS = 2
FALSE_ALARMS = (0.01, 0.05)
LEAST = 10  # members for any measure
SIDE = 32  # of the images that the forest sees, at most

_ATTACKERS = {
    LOSS: IMAGES_AND_WEIGHTS,
    NEARNESS: IMAGES_ONLY,
    NEARNESS_OF_FILTERED: FILTERED_ONLY,
    CALIBRATED: IMAGES_AND_WEIGHTS,
}


def judge_blind(sets: MembershipSets, seed: int) -> tuple[Blind, ...]:
    """Asks scores that know nothing of the generator, at a level kept over all of them."""
    groups = sets.member_groups, sets.others_groups
    members, others = sets.members.images, sets.others.images
    small = [
        resize(each, min(SIDE, members.shape[1])).images for each in (sets.members, sets.others)
    ]
    # What each says of members and of others, and their groups: the forest has learned some.
    scores: dict[str, blind.Asked] = {
        FOREST: blind.ask_forest(small[0], small[1], *groups, seed),
        VARIATION: blind.Asked(
            blind.total_variation(members), blind.total_variation(others), *groups
        ),
        PNG_SIZE: blind.Asked(blind.png_size(members), blind.png_size(others), *groups),
    }
    level = 1 - (1 - LEVEL) / len(scores)
    return tuple(
        Blind(
            name,
            roc.estimate_area(
                asked.members, asked.others, asked.member_groups, asked.others_groups, level
            ),
        )
        for name, asked in scores.items()
    )


def judge(
    sets: MembershipSets,
    num_fit: Mapping[str, int],
    losses: tuple[np.ndarray, np.ndarray],
    steps: np.ndarray,
    nearness: Scores,
    bits: Mapping[str, dict[str, BitsPerDimension]],
    limit: int,
    seed: int,
    of_filtered: Scores | None = None,
    of_references: tuple[Scores, int] | None = None,
) -> tuple[Membership, dict[str, Scores]]:
    """Judges the attacks.

    Args:
      sets: LEAST members or more.
      num_fit: class -> images of `fit`.
      losses: of members and of others, f64[N,L], at LEVELS.
      steps: i32[L], of T.
      nearness: of `nearness_scores`.
      bits, limit: as in `Membership`.
      seed: of forests and permutations.
      of_filtered: nearness to the images that a filter has left, where there is one.
      of_references: `calibrated_scores` and the number of other generators, where there are some;
        NaN for an image that these can say nothing of.

    Returns:
      (what is stored, name of each attack -> its scores).
    """
    blind_scores = judge_blind(sets, seed)
    blind_areas = [each.area for each in blind_scores]
    num_members = sets.members.counts
    groups = sets.member_groups, sets.others_groups
    scores = {LOSS: loss_scores(*losses), NEARNESS: nearness}
    if of_filtered is not None:
        scores[NEARNESS_OF_FILTERED] = of_filtered
    if of_references is not None:
        scores[CALIBRATED] = of_references[0]
    attacks = []
    for name, both in scores.items():
        known = np.isfinite(both[0]), np.isfinite(both[1])
        members, others = both[0][known[0]], both[1][known[1]]
        witnesses = groups[0][known[0]], groups[1][known[1]]
        scores[name] = members, others
        area = roc.estimate_area(members, others, *witnesses)
        spread = float(np.std(others))
        fewest = min(
            *sets.members.subset(np.flatnonzero(known[0])).counts.values(),
            *sets.others.subset(np.flatnonzero(known[1])).counts.values(),
        )
        verdict = verdicts.judge_membership(area.low, fewest, blind_areas)
        attacks.append(
            Attack(
                name,
                _ATTACKERS[name],
                area,
                tuple(roc.hit_rate(members, others, allowed) for allowed in FALSE_ALARMS),
                float(members.mean() - others.mean()) / spread if spread else 0.0,
                p_lower_mean(-members, -others, *witnesses, seed),
                verdict.value,
                fewest,
            )
        )
    return (
        Membership(
            seed=seed,
            limit=limit,
            num_members=num_members,
            num_fit=dict(num_fit),
            num_linked=int(sets.linked.sum()),
            draws=DRAWS,
            why="",
            attacks=tuple(attacks),
            levels=_explore_levels(losses, steps, groups),
            blind=blind_scores,
            bits=dict(bits),
            num_references=0 if of_references is None else of_references[1],
        ),
        scores,
    )


def not_judged(
    sets: MembershipSets, num_fit: Mapping[str, int], why: str, limit: int, seed: int
) -> Membership:
    """What is stored where nothing was measured."""
    return Membership(
        seed=seed,
        limit=limit,
        num_members=sets.members.counts,
        num_fit=dict(num_fit),
        num_linked=int(sets.linked.sum()),
        draws=DRAWS,
        why=why,
        attacks=(),
        levels=(),
        blind=(),
        bits={},
    )


def why_not(sets: MembershipSets) -> str:
    """Why these images are too few for any measure; "" where they are not."""
    n = len(sets.members)
    fewest = min(len(set(each)) for each in (sets.member_groups, sets.others_groups))
    if min(n, fewest) >= LEAST:
        return ""
    return (
        f"{n} members in {len(set(sets.member_groups))} independent groups, and as many other "
        f"images in {len(set(sets.others_groups))}; {LEAST} groups of each are needed"
    )


def _explore_levels(
    losses: tuple[np.ndarray, np.ndarray],
    steps: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
) -> tuple[LevelArea, ...]:
    areas = [
        roc.estimate_area(-losses[0][:, level], -losses[1][:, level], *groups)
        for level in range(len(steps))
    ]
    adjusted = adjust_by_holm([roc.p_above_chance(area) for area in areas])
    return tuple(
        LevelArea(level, int(step), area, p)
        for level, step, area, p in zip(LEVELS, steps, areas, adjusted, strict=True)
    )
