"""What `evaluate` depends on, and that the report notices what it wrote."""

from synthmed_jax.results.floors import Floors
from synthmed_jax.stages import base, evaluate, explain, report


def test_a_margin_is_part_of_what_was_declared(make_run):
    before, after = make_run(), make_run(evaluate__margin=0.05)
    for stage in (evaluate.STAGE, explain.STAGE):
        marked = base.fingerprint(before, stage).digest
        assert base.fingerprint(after, stage).digest != marked


def test_at_the_default_it_is_no_part_of_a_fingerprint(make_run):
    """So that workdirs from before there was a margin stay valid."""
    given = base.fingerprint(make_run(), evaluate.STAGE)
    assert given.fields == {"evaluate.margin": 0.02}
    assert base.Fingerprint({}, given.inputs).digest == given.digest


def test_the_report_is_made_anew_when_floors_change(make_run):
    run = make_run()
    before = report.STAGE.units(run)
    Floors(8, 300, 0, "image", ()).write(run.workdir.floors)
    assert report.STAGE.units(run) != before
