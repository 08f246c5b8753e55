import json

from synthmed_jax.machine import describe_run, peak_memory_mib


def test_a_run_describes_itself():
    facts = json.loads(json.dumps(describe_run()))
    assert facts["versions"]["jax"]
    assert len(facts["devices"]) == 2
    assert facts["cpu"]
    assert peak_memory_mib() > 10
