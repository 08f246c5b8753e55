"""The files of an audit that has judged two kinds of release."""

from __future__ import annotations

from synthmed_jax.results.membership import IMAGES_AND_WEIGHTS, IMAGES_ONLY, Attack, Membership
from synthmed_jax.results.memorisation import UNION, AuditMemorisation, Detector, Rate
from synthmed_jax.results.release import Release
from synthmed_jax.statistics.roc import AreaEstimate

RATE = Rate(5, 400, 0.0125, 0.004, 0.029)
POWER = {"unchanged": Rate(50, 50, 1.0, 0.93, 1.0), "turned": Rate(41, 50, 0.82, 0.69, 0.91)}


def attack(name: str, attacker: str, value: float) -> Attack:
    area = AreaEstimate(value, value - 0.05, value + 0.05, 0.95, 0.02, (70, 60), 0.58)
    return Attack(name, attacker, area, (), 0.1, 0.2, "", fewest=60)


MEMBERSHIP = Membership(
    seed=0,
    limit=100,
    num_members={"a": 70},
    num_fit={"a": 70},
    num_linked=0,
    draws=4,
    why="",
    attacks=(attack("nearness", IMAGES_ONLY, 0.51), attack("loss", IMAGES_AND_WEIGHTS, 0.66)),
    levels=(),
    blind=(),
    bits={},
)


def memorisation(of_images: str, of_weights: str) -> AuditMemorisation:
    """A search for copies with these verdicts on the images alone, on images and weights."""
    judged = tuple(
        Release(released, verdict, {}, ("Because.",), ("fewer steps",), ("other seeds",))
        for released, verdict in ((IMAGES_ONLY, of_images), (IMAGES_AND_WEIGHTS, of_weights))
    )
    return AuditMemorisation(
        verdict="",
        why="",
        seed=0,
        flips="none",
        num_synthetic=400,
        num_fit=300,
        num_left_out=0,
        detectors=(Detector(UNION, {}, RATE, POWER),),
        copied=RATE,
        copied_strictly=None,
        excess=None,
        p_excess=None,
        p=0.4,
        fit_copied=None,
        classes={},
        holes=("turned",),
        closest=(),
        release=judged,
    )
