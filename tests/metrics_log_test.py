from synthmed_jax.metrics_log import MetricsLog, read_metrics


def test_metrics_of_a_broken_off_run_are_cut_at_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.write(step=step, loss=1.0 / step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')  # killed while writing
    assert [r["step"] for r in read_metrics(path)] == [1, 2, 3]
    MetricsLog(path, resume_at=2).write(step=3, loss=9.0)
    assert read_metrics(path) == [
        {"step": 1, "loss": 1.0},
        {"step": 2, "loss": 0.5},
        {"step": 3, "loss": 9.0},
    ]
