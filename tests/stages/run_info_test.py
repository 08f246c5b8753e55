import dataclasses

from synthmed_jax import machine
from synthmed_jax.results.run_info import RunInfo
from synthmed_jax.stages import classify, run_info, split


def test_a_stage_s_seconds_are_those_of_all_its_runs(make_run, capsys, monkeypatch):
    run = make_run(data__phantom_images=20, seed=1)
    run.workdir.root.mkdir()
    commits = iter(("first", "second", "second", "first"))
    monkeypatch.setattr(machine, "commit", lambda: current)
    for stage, status, seconds, expected in (
        (classify.STAGE, "stopped", 1.04, 7.0),
        (split.STAGE, "finished", 2.0, None),
        (classify.STAGE, "stopped", 1.5, None),
        (classify.STAGE, "finished", 2.0, None),
    ):
        current = next(commits)
        run_info.add(run, stage, status, seconds, expected)
    written = RunInfo.read(run.workdir.run_info)
    found = {name: dataclasses.astuple(stage) for name, stage in written.stages.items()}
    peaks = [stage.peak_memory_mib for stage in written.stages.values()]
    assert found == {
        "classify": ("finished", 4.5, peaks[0], None, ("first", "second")),
        "split": ("finished", 2.0, peaks[1], None, ("second",)),
    }
    assert (written.data.name, written.data.num_images) == ("phantom", 80)
    assert written.seeds["seed"] == 1
    # It only tells of earlier runs: a damaged one is in nobody's way.
    run.workdir.run_info.write_text("{")
    run_info.add(run, split.STAGE, "finished", 5.0, None)
    assert "it is begun anew" in capsys.readouterr().out
    assert list(RunInfo.read(run.workdir.run_info).stages) == ["split"]
