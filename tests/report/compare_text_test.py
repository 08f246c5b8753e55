import dataclasses

import pytest

from synthmed_jax.report import compare_text
from synthmed_jax.report.side_by_side import DifferingField
from tests.report.compared import FULL, SIDE

SEED = DifferingField("seed", {"full": 1, "bare": 2})


def fields(number):
    return tuple(DifferingField(f"f{i}", {}) for i in range(number))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"same_data": False}, "do not have the same real images (data: drawn)"),
        ({"same_test": False}, "they are tested on different ones"),
        ({"same_test": None}, "is not known: a run has no evaluate/predictions.csv"),
        ({"same_test": True}, "are tested on the same of them (n\xa0=\xa0192), so that"),
        ({"fields": ()}, "They agree in all settings."),
        ({"fields": fields(1)}, "Of all settings they differ in config.f0."),
        ({"fields": fields(3)}, "they differ in config.f0, config.f1 and config.f2."),
        ({"fields": fields(4)}, "They differ in 4 settings, which are listed below."),
        (
            {"seeds_alone": True},
            "is said by --stages=pool --config.pool.workdirs=/runs/full,/runs/bare",
        ),
    ],
)  # fmt: skip
def test_how_runs_differ_is_said(changes, sentence):
    side = dataclasses.replace(SIDE, **changes)
    assert sentence in " ".join(compare_text.paragraphs(side))


def test_a_trial_run_among_others_is_named():
    runs = (FULL, dataclasses.replace(FULL, name="small", scale="smoke"))
    said = compare_text.paragraphs(dataclasses.replace(SIDE, runs=runs))
    assert [text for text in said if "trial" in text] == [
        "small: A trial run (scale smoke): its numbers and verdicts mean nothing."
    ]


def test_only_seeds_lead_to_pool():
    assert "--stages=pool" not in " ".join(compare_text.paragraphs(SIDE))


def test_a_folder_with_a_blank_can_be_pasted():
    runs = (FULL, dataclasses.replace(FULL, workdir="/my runs/b"))
    said = compare_text.paragraphs(dataclasses.replace(SIDE, runs=runs, seeds_alone=True))
    assert said[-1].endswith("--stages=pool '--config.pool.workdirs=/runs/full,/my runs/b'")


def with_commit(commit):
    return dataclasses.replace(FULL, info=dataclasses.replace(FULL.info, commit=commit))


@pytest.mark.parametrize(("commit", "is_said"), [("c0ffee", False), ("beef", True)])
def test_other_versions_of_the_program_are_named(commit, is_said):
    side = dataclasses.replace(SIDE, runs=(FULL, with_commit(commit)), fields=(SEED,))
    assert ("different commits of the program" in " ".join(compare_text.paragraphs(side))) == (
        is_said
    )
    assert ("can't be put down to one of them" in " ".join(compare_text.limits(side))) == is_said


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"same_data": False, "same_test": False}, "Numbers of different data are not comparable"),
        ({"same_test": False}, "Numbers of different test images are not strictly comparable"),
        ({"same_test": None}, "Numbers of different test images are not strictly comparable"),
        ({"same_test": True}, "Whether two intervals overlap is no test of a difference"),
    ],
)
def test_what_the_page_cant_say(changes, first):
    said = compare_text.limits(dataclasses.replace(SIDE, **changes))
    assert said[0].startswith(first)
    assert any("overlap is no test" in sentence for sentence in said)
