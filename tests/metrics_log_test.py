import pytest

from synthmed_jax.errors import Damaged
from synthmed_jax.metrics_log import MetricsLog, read_metrics, records_until


def test_metrics_of_a_broken_off_run_are_cut_at_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.write(step=step, loss=1.0 / step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')  # killed while writing
    assert [r["step"] for r in read_metrics(path)] == [1, 2, 3]
    MetricsLog(path, records_until(path, "step", 2)).write(step=3, loss=9.0)
    assert read_metrics(path) == [
        {"step": 1, "loss": 1.0},
        {"step": 2, "loss": 0.5},
        {"step": 3, "loss": 9.0},
    ]


@pytest.mark.parametrize("line", ["{", "[1]", "\x00\x00"])
def test_a_log_with_another_line_is_damaged(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path).write(step=1)
    path.write_text(line + "\n" + path.read_text())
    with pytest.raises(Damaged, match=r"metrics\.jsonl is damaged: a line is no JSON"):
        read_metrics(path)


def test_a_log_knows_what_it_holds(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl", [{"step": 1}])
    log.write(step=2)
    assert log.records == read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}, {"step": 2}]


def test_lines_within_lines_are_damage(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(Damaged, match="a line is no JSON"):
        read_metrics(path)


@pytest.mark.parametrize("step", ['"2"', "null", "[1]"])
def test_a_counter_that_is_no_number_is_damage(tmp_path, step):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": {step}}}\n')
    with pytest.raises(Damaged, match=r"its step .* is no number"):
        records_until(path, "step", 2)
