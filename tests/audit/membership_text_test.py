import dataclasses

import pytest

from synthmed_jax.audit.membership_text import PICTURE, to_section
from synthmed_jax.results.fidelity import BitsPerDimension
from synthmed_jax.results.membership import (
    FOREST,
    IMAGES_AND_WEIGHTS,
    IMAGES_ONLY,
    LOSS,
    NEARNESS,
    Attack,
    Blind,
    LevelArea,
    Membership,
)
from synthmed_jax.statistics.roc import AreaEstimate, HitRate
from synthmed_jax.verdicts import Membership as Verdict


def area(value):
    return AreaEstimate(value, value - 0.04, value + 0.04, 0.95, 0.02, (580, 587), 0.556)


HITS = (HitRate(0.01, 5, 8, 0.0136, 0.0059, 0.0267), HitRate(0.05, 29, 60, 0.102, 0.079, 0.13))
BITS = BitsPerDimension(3.21, 0.1, 3.0, 0.11, 0.012, 128)


def found(verdict=Verdict.NOT_FOUND, blind=0.49, **changes):
    attacks = (
        Attack(LOSS, IMAGES_AND_WEIGHTS, area(0.65), HITS, 0.4, 0.0001, verdict.value, 287),
        Attack(NEARNESS, IMAGES_ONLY, area(0.51), HITS, 0.02, 0.3, Verdict.NOT_FOUND.value, 287),
    )
    whole = Membership(
        seed=0,
        limit=1000,
        num_members={"a": 300, "b": 287},
        num_fit={"a": 300, "b": 290},
        num_linked=7,
        draws=4,
        why="",
        attacks=attacks,
        levels=(LevelArea(0.03, 30, area(0.66), 0.004),),
        blind=(Blind(FOREST, area(blind)),),
        bits={"fit": {"all": BITS}, "val": {"all": dataclasses.replace(BITS, total=3.4)}},
    )
    return dataclasses.replace(whole, **changes)


def words(of: Membership) -> str:
    return "\n".join(to_section(of).paragraphs)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.SUCCEEDS, "The attack succeeds (AUROC 0.650 (0.610 to 0.690)"),
        (Verdict.NOT_FOUND, "Nothing was found at this power (AUROC 0.650"),
        (Verdict.TOO_FEW, "Nothing is concluded: a class has 287 members, and 50 of each"),
        (Verdict.SPLIT_TELLS, "the split itself tells, and this says nothing of the generator"),
    ],
)
def test_each_verdict_has_its_words(verdict, expected):
    said = words(found(verdict))
    assert expected in said
    assert "pass" not in said.split()


def test_each_attack_says_whom_it_answers_and_what_it_would_have_found():
    section = to_section(found(Verdict.SUCCEEDS))
    of_loss, of_nearness = section.paragraphs[1:3]
    assert "who has the generator's weights" in of_loss
    assert "releasing no weights" in of_loss
    assert "no weights" in of_nearness
    for said in (of_loss, of_nearness):
        assert said.endswith("found in 80 % of such sets is 0.56.")
    attacks, explored = section.tables
    assert [row.values[0] for row in attacks.rows] == [IMAGES_AND_WEIGHTS, IMAGES_ONLY]
    assert attacks.rows[0].values[2:4] == (
        "1.4% (0.6% to 2.7%), 5 false",
        "10.2% (7.9% to 13.0%), 29 false",
    )
    assert "587 members and 587 other images (580 and 587 independent" in attacks.caption
    assert "3 fit images are not among them" in attacks.caption
    whole = found(num_fit={"a": 300, "b": 287})
    assert "all fit images are among them" in to_section(whole).tables[0].caption
    assert [row.name for row in explored.rows] == ["3% of T (step 30)", FOREST]
    for table in section.tables:
        assert {len(row.values) for row in table.rows} == {len(table.columns)}
    assert [picture.file for picture in section.pictures] == [PICTURE]


def test_a_blind_score_that_tells_is_said():
    assert "none of these tells members from others" in words(found())
    assert "at least one of these tells members" in words(found(blind=0.6))


def test_bits_stand_side_by_side():
    expected = "all classes: fit 3.210 ± 0.012 (n = 128), val 3.400 ± 0.012 (n = 128)"
    assert expected in words(found())
    assert "Bits" not in words(found(bits={"fit": {"all": BITS}, "val": {}}))


def test_where_nothing_was_measured_nothing_is_concluded():
    section = to_section(dataclasses.replace(found(), why="9 members", attacks=()))
    assert "Nothing is concluded: there are too few images (9 members)." in section.paragraphs
    assert (section.tables, section.pictures) == ((), ())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "is not calibrated by generators that have learned other images"),
        (1, "held against that of a generator of another seed, for each image"),
        (3, "held against that of 3 generators of other seeds"),
    ],
)
def test_it_is_said_whether_the_loss_was_calibrated(number, expected):
    assert expected in words(found(num_references=number))
