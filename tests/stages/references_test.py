"""Which workdirs of other seeds can calibrate the attack by loss, and what is read of them."""

import numpy as np
import pytest

from synthmed_jax.data import held_out
from synthmed_jax.diffusion import train
from synthmed_jax.errors import UserError
from synthmed_jax.files import write_json
from synthmed_jax.stages import audit, base, diffusion, references, split
from synthmed_jax.stages.run import make_run as run_of


@pytest.fixture
def other(make_run, tmp_path):
    """Makes a workdir whose generator has been trained under other settings."""

    def make(finished=True, **changes):
        run = run_of(make_run(**changes).settings, tmp_path / "other")
        held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
        write_json(run.workdir.diffusion / "best.json", {"step": 1})
        base.mark(run, split.STAGE, "finished")
        base.mark(run, diffusion.STAGE, "finished" if finished else "started")
        return run

    return make


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"seed": 0}, "its split has the same seed, so that its generator has learned the same"),
        ({"seed": 1, "finished": False}, "its stage 'diffusion' is not finished"),
        ({"seed": 1, "data__phantom_images": 30}, "it is of other images"),
        (
            {"seed": 1, "diffusion__num_steps": 60},
            r"generator has config\.diffusion\.num_steps = 60, and this run ",
        ),
        (
            {"seed": 1, "data__square": "crop"},
            r"images were read with config\.data\.square = 'crop', and this run 'pad'",
        ),
    ],
)
def test_a_workdir_that_can_not_serve_is_refused_by_name(make_run, other, changes, fault):
    root = other(**changes).workdir.root
    run = make_run(audit__references=str(root))
    with pytest.raises(UserError, match=rf"names {root}, and .*{fault}"):
        audit.STAGE.check(run)


def test_a_workdir_is_named_once(make_run, other):
    root = other(seed=1).workdir.root
    run = make_run(audit__references=f"{root},{root}")
    with pytest.raises(UserError, match=rf"and its split has the seed of {root}'s: .* each once"):
        audit.STAGE.check(run)


def test_a_workdir_that_lost_its_split_is_refused(make_run, other):
    there = other(seed=1)
    there.workdir.split.unlink()
    with pytest.raises(UserError, match="and it has no split"):
        audit.STAGE.check(make_run(audit__references=str(there.workdir.root)))


def test_its_generators_are_read_with_what_they_have_learned(make_run, other, monkeypatch):
    there = other(seed=1)
    run = make_run(audit__references=f" {there.workdir.root} ,")
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    seen = []

    def load_best(settings, model, folder):
        seen.append(folder)
        return "weights", "sha"

    monkeypatch.setattr(train, "load_best", load_best)
    (found,) = references.read(run)
    assert seen == [there.workdir.diffusion]
    assert [params for _, params in found.generators] == ["weights"]
    own, theirs = run.inputs.parts.fit.files, there.inputs.parts.fit.files
    assert found.has_learned(theirs).all()
    learned = found.has_learned(own)
    np.testing.assert_array_equal(learned, [file in set(theirs) for file in own])
    assert not learned.all()


def test_other_weights_are_another_audit_and_none_are_what_was_before(make_run, other):
    there = other(seed=1)
    plain, calibrated = make_run(), make_run(audit__references=str(there.workdir.root))
    assert not base.fingerprint(plain, audit.STAGE).inputs.keys() & {"reference 0"}
    before = base.fingerprint(calibrated, audit.STAGE)
    write_json(there.workdir.diffusion / "best.json", {"step": 2})
    assert base.fingerprint(calibrated, audit.STAGE) != before
    audit.STAGE.check(plain)
