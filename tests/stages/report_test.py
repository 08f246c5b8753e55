from synthmed_jax.results.section import FILE, Section
from synthmed_jax.stages import report


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
