"""Markers: what finishes a stage, what a changed field or input is told."""

import dataclasses
import types

import pytest

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.stages import STAGES, base
from synthmed_jax.stages.base import Fingerprint, Stage
from synthmed_jax.workdir import Workdir

FIELDS = {"a.b": 1, "a.c": [1, 2], "z.y": 3}


@pytest.fixture
def make_run(tmp_path):
    """Builds what the functions see of a run."""

    def make(**fields):
        changed = {name.replace("__", "."): value for name, value in fields.items()}
        settings = types.SimpleNamespace(fields=FIELDS | changed)
        return types.SimpleNamespace(settings=settings, workdir=Workdir(tmp_path))

    return make


def nothing(run):
    pass


FIRST = Stage("first", nothing, fields=("z.",))
SECOND = Stage(
    "second", nothing, fields=("a.",), inputs=(FIRST,), digests=lambda run: {"file": "abc"}
)


def with_units(stage, *units, adds=False):
    return dataclasses.replace(stage, units=lambda run: units, adds=adds)


@pytest.mark.parametrize("adds", [True, False])
def test_a_marker_finishes_a_stage(make_run, adds):
    run = make_run()
    one, two = (with_units(FIRST, *u, adds=adds) for u in (("one",), ("one", "two")))
    assert not base.is_finished(run, one)
    base.mark(run, one, "started")
    assert not base.is_finished(run, one)
    base.mark(run, one, "finished")
    assert base.is_finished(run, one)
    assert not base.is_finished(run, two)
    base.mark(run, one, "started")
    assert not base.is_finished(run, one)


@pytest.mark.parametrize("adds", [True, False])
def test_units_gather_only_where_a_stage_adds_to_its_output(make_run, adds):
    run = make_run()
    one, two, both = (
        with_units(FIRST, *u, adds=adds) for u in (("one",), ("two",), ("one", "two"))
    )
    for stage in (one, two):
        base.mark(run, stage, "started")
        base.mark(run, stage, "finished")
    assert base.is_finished(run, two)
    assert base.is_finished(run, one) == adds
    assert base.is_finished(run, both) == adds


def test_a_changed_field_or_input_is_refused_by_name(make_run):
    run = make_run()
    base.check_marker(run, SECOND)
    base.mark(run, SECOND, "finished")
    base.check_marker(make_run(a__c=(1, 2)), SECOND)
    message = r"'second'.*a\.c = \[1, 2\], now it is \[1, 3\]: set it back, or .*--from="
    with pytest.raises(UserError, match=message):
        base.check_marker(make_run(a__c=[1, 3]), SECOND)
    with pytest.raises(UserError, match=r"input first = '\w+', now it is '\w+'"):
        base.check_marker(make_run(z__y=4), SECOND)
    other = dataclasses.replace(SECOND, digests=lambda run: {"file": "abd"})
    with pytest.raises(UserError, match="input file = 'abc', now it is 'abd'"):
        base.check_marker(run, other)


def test_other_images_are_said_in_words(make_run):
    run = make_run()
    before, now = (
        dataclasses.replace(FIRST, digests=lambda run, digest=digest: {"data_hash": digest})
        for digest in ("abc", "abd")
    )
    base.mark(run, before, "finished")
    base.check_marker(run, before)
    with pytest.raises(UserError, match=r"other images: some were added.*'abc', now it is 'abd'"):
        base.check_marker(run, now)


def test_what_an_earlier_version_chose_on_other_images_is_refused_in_a_sentence(make_run):
    run = make_run()
    now = dataclasses.replace(FIRST, digests=lambda run: {base.CHOSEN_ON: "val"})
    base.mark(run, FIRST, "finished")
    said = (
        r"by a version of this program that chose on other images \(today: val\): use that version"
    )
    with pytest.raises(UserError, match=said + ", or .*--from="):
        base.check_marker(run, now)
    base.mark(run, now, "finished")
    base.check_marker(run, now)


# status, what lies in the stage's folder, whether other fields would lose something
WORK = [
    ("started", "", False),
    ("started", "metrics.jsonl", False),
    ("started", "x/checkpoints/1/a", True),
    ("started", "x/end.json", True),
    ("started", "x/journal.log", True),
    ("failed", "x/checkpoints/1/a", False),
    ("failed", "x/journal.log", False),
    ("failed", "x/end.json", True),
    ("finished", "", True),
]


@pytest.mark.parametrize(("status", "file", "lost"), WORK)
def test_a_stage_that_has_nothing_to_lose_takes_other_fields(make_run, status, file, lost):
    stage = dataclasses.replace(SECOND, ends=("end.json",))
    run, other = make_run(), make_run(a__b=2)
    base.mark(run, stage, status)
    path = stage.output(run) / file
    if file:
        path.parent.mkdir(parents=True)
        path.touch()
    base.check_marker(run, stage)
    if lost:
        with pytest.raises(UserError, match=r"a\.b = 1, now it is 2"):
            base.check_marker(other, stage)
        return
    base.check_marker(other, stage)
    base.mark(other, stage, "started")
    for name in base.UNFINISHED:
        assert not (stage.output(run) / "x" / name).exists()
    assert base.read_marker(run, stage).fields["a.b"] == 2


def test_a_stage_that_is_made_anew_as_a_whole_takes_other_fields_until_it_is_finished(make_run):
    base.mark(make_run(), SECOND, "started")
    base.check_marker(make_run(a__b=2), SECOND)


def test_a_field_that_a_stage_no_longer_reads_is_refused(make_run):
    run = make_run()
    base.mark(run, SECOND, "finished")
    narrower = dataclasses.replace(SECOND, fields=("a.b",))
    with pytest.raises(UserError, match=r"depended on config field a\.c: .*--from="):
        base.check_marker(run, narrower)


def test_a_marker_of_the_first_version_goes_on(make_run):
    """It had former names of fields, lacks those that were added, and called units cells."""
    stage = Stage("diffusion", nothing, fields=("diffusion.",), units=lambda run: ("all",))
    run = make_run(diffusion__noise_schedule="linear", diffusion__unet__embedding="scale_shift")
    marker = run.workdir.marker("diffusion")
    marker.parent.mkdir()
    marker.write_text(
        '{"status": "finished", "fields": {"diffusion.schedule": "linear"}, "inputs": {}, '
        '"cells": ["all"]}'
    )
    base.check_marker(run, stage)
    assert base.is_finished(run, stage)
    cosine = make_run(diffusion__noise_schedule="cosine", diffusion__unet__embedding="scale_shift")
    with pytest.raises(UserError, match="noise_schedule = 'linear', now it is 'cosine'"):
        base.check_marker(cosine, stage)
    added = make_run(diffusion__noise_schedule="linear", diffusion__unet__embedding="add")
    with pytest.raises(UserError, match="embedding = 'scale_shift', now it is 'add'"):
        base.check_marker(added, stage)


def test_a_marker_that_was_edited_is_refused(make_run):
    run = make_run()
    base.mark(run, FIRST, "finished")
    path = run.workdir.marker("first")
    path.write_text(path.read_text().replace("finished", "started"))
    with pytest.raises(Damaged, match=r"first\.json is damaged: .*edited"):
        base.read_marker(run, FIRST)


def test_digests_follow_fields_and_inputs():
    print_ = Fingerprint({"a.b": 1, "a.c": [1, 2]}, {"split": "abc"})
    assert print_.digest == Fingerprint({"a.c": [1, 2], "a.b": 1}, {"split": "abc"}).digest
    assert print_.digest != Fingerprint({"a.b": 2, "a.c": [1, 2]}, {"split": "abc"}).digest
    assert print_.digest != Fingerprint(print_.fields, {"split": "abd"}).digest


def test_the_order_of_the_stages_and_their_inputs_agree():
    for place, stage in enumerate(STAGES):
        before = STAGES[:place]
        for each in stage.inputs:
            assert each in before, f"{stage.name} reads {each.name}"
    assert len({stage.name for stage in STAGES}) == len(STAGES)


def test_inputs_that_settings_decide_come_before_too(tmp_path):
    classifier, diffusion = (
        types.SimpleNamespace(
            workdir=Workdir(tmp_path),
            settings=types.SimpleNamespace(
                tune=types.SimpleNamespace(target=target),
                generate=types.SimpleNamespace(filters=("copies",)),
                classifier=types.SimpleNamespace(arms=("synthetic", "synthetic_filtered")),
            ),
        )
        for target in ("classifier", "diffusion")
    )
    for place, stage in enumerate(STAGES):
        for run in (classifier, diffusion):
            assert set(map(id, stage.inputs_if(run))) <= set(map(id, STAGES[:place]))


def test_a_stage_is_wanted_with_all_that_it_builds_on():
    first, second = FIRST, SECOND
    third = Stage("third", nothing, inputs=(second,))
    apart = Stage("apart", nothing, inputs_if=lambda run: (first,))
    order = (first, second, third, apart)
    assert base.with_upstream(None, [third], order) == [first, second, third]
    assert base.with_upstream(None, [apart], order) == [first, apart]
