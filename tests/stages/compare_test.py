import importlib
import json
from unittest import mock

import pytest

from synthmed_jax import runner
from synthmed_jax.errors import UserError
from synthmed_jax.report import compare_runs
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.stages import base, compare
from tests.report.compared import write_compared


@pytest.fixture
def runs(tmp_path):
    return [write_compared(tmp_path / f"s{seed}", seed) for seed in range(2)]


@pytest.fixture
def make_comparison(make_run):
    def make(folders):
        return make_run(compare__workdirs=",".join(map(str, folders)))

    return make


def test_finished_runs_become_a_page_markdown_and_json(tmp_path, runs, capsys, monkeypatch):
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.data.cache_dir = str(tmp_path / "cache")
    config.data.name, config.data.dir = "folder", str(tmp_path / "images on another machine")
    config.compare.workdirs = ",".join(map(str, runs))
    workdir = tmp_path / "compared"
    read = mock.Mock(wraps=compare_runs.read_side_by_side)
    monkeypatch.setattr(compare_runs, "read_side_by_side", read)
    runner.run(config, workdir, ["compare"])
    assert read.call_count == 1  # to check them and to show them
    said = capsys.readouterr().out
    assert "They are one experiment under several seeds." in said
    assert f"compare: {workdir / 'compare' / 'index.html'}" in said
    assert SideBySide.read(workdir / "compare" / "compare.json").names == ("s0", "s1")
    names = {path.name for path in (workdir / "compare").iterdir()}
    assert names == {"compare.json", "compare.md", "index.html"}
    runner.run(config, workdir, ["compare"])
    assert "compare: finished, nothing to do" in capsys.readouterr().out


def test_the_json_alone_tells_a_program_the_verdicts(runs, make_comparison):
    run = make_comparison(runs)
    compare.STAGE.run(run)
    found = json.loads((run.workdir.compare / "compare.json").read_text())
    said = {each["name"]: each["answers"]["D1"]["findings"][0]["verdict"] for each in found["runs"]}
    assert set(said) == {"s0", "s1"}
    assert set(said.values()) <= {"shown", "not shown", "refuted"}


def test_other_runs_or_other_results_are_set_side_by_side_anew(runs, make_comparison, tmp_path):
    run = make_comparison(runs)
    compare.STAGE.run(run)
    base.mark(run, compare.STAGE, "finished")
    assert base.is_finished(run, compare.STAGE)
    more = make_comparison([*runs, write_compared(tmp_path / "s2", 2)])
    assert not base.is_finished(more, compare.STAGE)
    base.check_marker(more, compare.STAGE)  # which takes the same workdir
    path = runs[1] / "evaluate" / "metrics.json"
    write_compared(runs[1], 1, right={"synthetic": 0.5})
    assert Evaluation.read(path).cells[0].mean.test_accuracy < 0.7
    assert not base.is_finished(run, compare.STAGE)


def test_what_is_not_finished_is_refused_before_any_work(runs, make_comparison, tmp_path):
    write_compared(tmp_path / "s9", 9, unfinished="classify")
    with pytest.raises(UserError, match=r"stage 'classify' of .*s9 is started, not finished"):
        compare.STAGE.check(make_comparison([*runs, tmp_path / "s9"]))
