import dataclasses
import types

from synthmed_jax.results.section import FILE, Section
from synthmed_jax.stages import audit, base, evaluate, explain, report


def test_the_report_is_made_anew_when_what_it_shows_has_changed(make_run):
    run = make_run()
    seen = {report.STAGE.units(run)}
    for path in (run.workdir.evaluation, run.workdir.fidelity, run.workdir.lime):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        seen.add(report.STAGE.units(run))
    Section("Title", ("A sentence.",)).write(run.workdir.root / "brightness" / FILE)
    seen.add(report.STAGE.units(run))
    assert len(seen) == 5
    assert report.STAGE.units(run) in seen


def test_an_audit_of_fewer_images_is_not_shown_as_that_of_more(make_run, capsys, monkeypatch):
    shown = {}
    monkeypatch.setattr(report.html, "write_report", lambda *given: shown.update(former=given[-1]))
    run = make_run()
    for part in ("parts", "synthetic"):
        run.inputs.__dict__[part] = types.SimpleNamespace(fit=None)
    base.mark(run, audit.STAGE, "finished")
    base.mark(run, evaluate.STAGE, "finished")
    report.STAGE.run(run)
    assert shown["former"] == ()
    before = report.STAGE.units(run)
    base.mark(run, audit.STAGE, "finished", units=("4 a class",))
    report.STAGE.run(run)
    assert shown["former"] == ("audit",)
    assert report.STAGE.units(run) != before
    assert "the stage audit is of other images or settings, and is not shown" in (
        capsys.readouterr().out
    )


def test_explanations_are_looked_at_where_there_are_some_of_these_settings(make_run):
    run = make_run()
    alone = dataclasses.replace(explain.STAGE, units=lambda run: ("all",))
    assert report.STAGE.inputs_if(run) == ()
    for status, inputs in (("started", ()), ("finished", (explain.STAGE,))):
        base.mark(run, alone, status)
        assert report.STAGE.inputs_if(run) == inputs
    assert report.STAGE.inputs_if(make_run(explain__num_samples=41)) == ()
