import json

import pytest

from synthmed_jax import runlog


def test_metrics_of_a_broken_off_run_are_cut_at_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = runlog.MetricsLog(path)
    for step in (1, 2, 3):
        log.write(step=step, loss=1.0 / step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')  # killed while writing
    assert [r["step"] for r in runlog.read_metrics(path)] == [1, 2, 3]
    runlog.MetricsLog(path, resume_at=2).write(step=3, loss=9.0)
    assert runlog.read_metrics(path) == [
        {"step": 1, "loss": 1.0},
        {"step": 2, "loss": 0.5},
        {"step": 3, "loss": 9.0},
    ]


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        runlog.write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "x.json"
    runlog.write_json(path, {"a": 1})
    runlog.write_json(path, {"a": 2})
    assert runlog.read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_a_name_that_is_no_text_is_written(tmp_path):
    runlog.write_text(tmp_path / "x.csv", "Jos\u00e9 M\udcfcller")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == r"José M\udcfcller"


def test_a_run_describes_itself():
    facts = json.loads(json.dumps(runlog.describe_run()))
    assert facts["versions"]["jax"]
    assert len(facts["devices"]) == 2
    assert facts["cpu"]
    assert runlog.peak_memory_mib() > 10
