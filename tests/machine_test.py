from synthmed_jax import machine
from synthmed_jax.machine import available_memory, describe_run, peak_memory_mib
from synthmed_jax.results.run_info import DataFacts, RunInfo, StageRecord


def test_a_run_describes_itself(tmp_path):
    data = DataFacts("phantom", "abc", 12, ("broken.png",))
    stages = {"split": StageRecord("finished", 1.5, 310.2)}
    info = describe_run(seeds={"split.seed": 3}, data=data, stages=stages)
    assert info.versions["jax"]
    assert len(info.devices) == 2
    assert info.cpu
    assert (info.seeds, info.data, info.stages) == ({"split.seed": 3}, data, stages)
    info.write(tmp_path / "run.json")
    assert RunInfo.read(tmp_path / "run.json") == info


def test_memory_is_counted_in_mebibytes():
    # JAX alone takes more than 10, and no test machine has a hundred gibibytes to fill.
    assert 10 < peak_memory_mib() < 100_000


def test_available_memory_is_the_least_of_what_is_free_and_what_may_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "memory.max")
    assert available_memory() is None
    (tmp_path / "meminfo").write_text(
        "MemTotal: 9000 kB\nMemAvailable:    3000 kB\nBuffers: 1 kB\n"
    )
    assert available_memory() == 3000 * 1024
    for limit, least in (("max", 3000 * 1024), ("2048", 2048), ("99999999999", 3000 * 1024)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert available_memory() == least
