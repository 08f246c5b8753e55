import dataclasses
import subprocess
import sys

import pytest

from synthmed_jax.classifiers.settings import passes_per_epoch


@pytest.mark.parametrize(
    ("min_steps", "batches_per_pass", "passes"),
    [(0, 6, 1), (40, 10, 1), (41, 10, 2), (400, 14, 8), (400, 500, 1)],
)
def test_small_sets_are_passed_over_often_enough(
    tiny_settings, min_steps, batches_per_pass, passes
):
    settings = dataclasses.replace(tiny_settings, min_steps=min_steps)  # at most 4 epochs
    assert passes_per_epoch(settings, batches_per_pass) == passes


UNWANTED = (
    "flax",
    "tensorflow_datasets",
    "synthmed_jax.classifiers.layers",
    "synthmed_jax.classifiers.networks",
    "synthmed_jax.classifiers.weights",
)


def test_settings_load_without_networks_weights_and_data_sets():
    code = "import sys, synthmed_jax.classifiers.settings; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = run.stdout.split()
    assert "synthmed_jax.classifiers.settings" in modules
    assert [name for name in modules if name.startswith(UNWANTED)] == []
