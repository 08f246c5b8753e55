import dataclasses

import numpy as np
import pytest

from synthmed_jax.audit import membership, membership_scores
from synthmed_jax.data.held_out import MembershipSets
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.membership import (
    CALIBRATED,
    FILTERED_ONLY,
    IMAGES_AND_WEIGHTS,
    LOSS,
    NEARNESS,
    NEARNESS_OF_FILTERED,
    Membership,
)
from synthmed_jax.statistics import roc
from synthmed_jax.verdicts import Membership as Verdict

STEPS = np.array([30, 80, 150, 250])


def image_set(n, seed, names=("a", "b")):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(40, 210, (n, 8, 8, 1)).astype(np.uint8)
    labels = (np.arange(n) % len(names)).astype(np.int32)
    return ImageSet(pixels, labels, tuple(f"{seed}/{i}" for i in range(n)), names)


def make_sets(n=120, groups=None):
    groups = np.arange(n) if groups is None else groups
    return MembershipSets(image_set(n, 10), image_set(n, 11), groups, groups + n, np.arange(n) < 3)


def make_losses(n=120, gap=0.0, seed=2):
    """Losses that fall with the level and vary with the image; members' are lower by `gap`."""
    rng = np.random.default_rng(seed)
    level = np.array([1, 0.3, 0.1, 0.05])

    def of(lower):
        shared = rng.normal(1 - lower, 0.1, (n, 1))
        return (shared + rng.normal(0, 0.05, (n, 4))) * level

    return of(gap), of(0.0)


def judge(sets, losses, synthetic):
    nearness = membership_scores.nearness_scores(sets, synthetic, "none")
    num_fit = {"a": 60, "b": 60}
    return membership.judge(sets, num_fit, losses, STEPS, nearness, {}, 1000, seed=0)


def test_what_a_filter_left_is_attacked_beside_the_rest():
    sets, losses = make_sets(), make_losses()
    copies, strangers = sets.members.subset(np.arange(40)), image_set(50, 3)
    of = [membership_scores.nearness_scores(sets, each, "none") for each in (copies, strangers)]
    arguments = (sets, {"a": 60, "b": 60}, losses, STEPS, of[0], {}, 1000, 0)
    attacked = by_name(membership.judge(*arguments, of[1])[0])
    assert attacked[NEARNESS].verdict == Verdict.SUCCEEDS
    assert attacked[NEARNESS_OF_FILTERED].verdict == Verdict.NOT_FOUND
    assert attacked[NEARNESS_OF_FILTERED].attacker == FILTERED_ONLY
    assert NEARNESS_OF_FILTERED not in by_name(membership.judge(*arguments)[0])


def by_name(found):
    return {attack.name: attack for attack in found.attacks}


def test_where_nothing_was_learned_nothing_is_found(tmp_path):
    found, scores = judge(make_sets(), make_losses(), image_set(50, 3))
    for attack in found.attacks:
        assert attack.verdict == Verdict.NOT_FOUND
        assert attack.area.covers_chance
        assert 0.01 < attack.p_set < 0.99
        assert 0.55 < attack.area.detectable < 0.7
        assert attack.area.value == roc.rank_area(*scores[attack.name])
    assert all(each.area.covers_chance for each in (*found.levels, *found.blind))
    assert not found.blind_tells
    found.write(tmp_path / "membership.json")
    assert Membership.read(tmp_path / "membership.json") == found


def test_lower_losses_of_members_are_found_by_who_has_the_weights():
    found, _ = judge(make_sets(), make_losses(gap=0.1), image_set(50, 3))
    attacks = by_name(found)
    assert attacks[LOSS].verdict == Verdict.SUCCEEDS
    assert attacks[LOSS].p_set < 0.001
    assert attacks[LOSS].difference > 0.5
    assert attacks[NEARNESS].verdict == Verdict.NOT_FOUND
    assert all(level.p < 0.01 for level in found.levels)


def test_copies_are_found_by_who_has_the_images():
    sets = make_sets()
    found, _ = judge(sets, make_losses(), sets.members.subset(np.arange(40)))
    attack = by_name(found)[NEARNESS]
    assert attack.verdict == Verdict.SUCCEEDS
    assert [hits.share >= 1 / 3 for hits in attack.hits] == [True, True]
    assert by_name(found)[LOSS].verdict == Verdict.NOT_FOUND


def test_a_split_that_tells_is_not_the_generators_fault():
    sets = make_sets()
    darker = dataclasses.replace(sets.members, images=sets.members.images // 2)
    sets = dataclasses.replace(sets, members=darker)
    found, _ = judge(sets, make_losses(gap=0.1), image_set(50, 3))
    assert found.blind_tells
    assert by_name(found)[LOSS].verdict == Verdict.SPLIT_TELLS


def test_few_images_conclude_nothing():
    found, _ = judge(make_sets(90), make_losses(90, gap=0.2), image_set(50, 3))
    assert by_name(found)[LOSS].area.low > 0.5
    assert {attack.verdict for attack in found.attacks} == {Verdict.TOO_FEW}
    assert not membership.why_not(make_sets(10))
    assert membership.why_not(make_sets(9)).startswith("9 members")
    assert "2 independent groups" in membership.why_not(make_sets(90, np.arange(90) % 2))


def test_images_of_a_group_are_one_witness():
    losses = make_losses(30, gap=0.05)
    groups = np.repeat(np.arange(30), 4)
    once = judge(make_sets(30), losses, image_set(50, 3))[0]
    four = judge(
        make_sets(120, groups), tuple(np.repeat(x, 4, axis=0) for x in losses), image_set(50, 3)
    )[0]
    assert by_name(four)[LOSS].area == pytest.approx(by_name(once)[LOSS].area)
    assert by_name(four)[LOSS].p_set == pytest.approx(by_name(once)[LOSS].p_set, abs=0.02)


def test_the_calibrated_attack_is_judged_on_the_images_that_a_reference_can_speak_of():
    n, rng = 120, np.random.default_rng(4)
    level = np.array([1, 0.3, 0.1, 0.05])
    hard = [rng.normal(3, 1, (n, 1)) for _ in range(2)]

    def of(place, lower):
        return (hard[place] - lower + rng.normal(0, 0.1, (n, 4))) * level

    losses = of(0, 0.2), of(1, 0.0)
    learned = rng.random((1, n)) < 0.1
    calibrated = tuple(
        membership_scores.calibrate(losses[i], np.stack([of(i, 0.0)]), learned) for i in range(2)
    )
    scores = membership_scores.calibrated_scores(losses, calibrated)
    sets, nearness = make_sets(), (np.zeros(n), np.zeros(n))
    found, drawn = membership.judge(
        sets, {"a": 60, "b": 60}, losses, STEPS, nearness, {}, 1000, 0, None, (scores, 1)
    )
    attack = by_name(found)[CALIBRATED]
    kept = n - int(learned.sum())
    assert attack.area.num_groups == (kept, kept)
    assert len(drawn[CALIBRATED][0]) == kept < n
    assert attack.attacker == IMAGES_AND_WEIGHTS
    assert attack.area.value > 0.85 > by_name(found)[LOSS].area.value
    assert attack.verdict == Verdict.SUCCEEDS
    assert found.num_references == 1
    by_class = [int((~learned[0][sets.members.labels == label]).sum()) for label in (0, 1)]
    assert attack.fewest == min(by_class) < by_name(found)[LOSS].fewest == 60
