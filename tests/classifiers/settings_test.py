import dataclasses
import subprocess
import sys

import pytest

from synthmed_jax.classifiers.settings import batch_of, passes_per_epoch, steps_of
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("min_steps", "batches_per_pass", "passes"),
    [(0, 6, 1), (40, 10, 1), (41, 10, 2), (400, 14, 8), (400, 500, 1)],
)
def test_small_sets_are_passed_over_often_enough(
    tiny_settings, min_steps, batches_per_pass, passes
):
    settings = dataclasses.replace(tiny_settings, min_steps=min_steps)  # at most 4 epochs
    num_train = batches_per_pass * settings.batch_size
    assert passes_per_epoch(settings, num_train) == passes
    assert steps_of(settings, num_train) == passes * batches_per_pass


@pytest.mark.parametrize("num_train", [3, 8, 50, 3200])
def test_with_a_number_of_steps_all_training_sets_have_the_same_budget(tiny_settings, num_train):
    settings = dataclasses.replace(tiny_settings, steps=40, patience=0)
    assert batch_of(settings, num_train) == settings.batch_size
    assert steps_of(settings, num_train) * settings.max_epochs == 40
    assert passes_per_epoch(settings, num_train) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": 40}, "patience=1 has no effect beside config.classifier.steps=40"),
        ({"steps": 40, "patience": 0, "min_steps": 8}, "min_steps=8 has no effect"),
        ({"steps": 41, "patience": 0}, "equal epochs: take steps=40"),
        ({"steps": 3, "patience": 0}, "equal epochs: take steps=4"),
        (
            {"seeds": 2},
            "selection=synthetic takes .*seeds=2 trains .* set selection=val, or seeds=0",
        ),
        ({"warp": 1.5}, "warp=1.5"),
    ],
)
def test_what_would_have_no_effect_is_refused(tiny_settings, fields, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(tiny_settings, **fields)


def test_a_cell_has_a_training_per_seed_or_per_fold(tiny_settings):
    assert tiny_settings.trainings == ("fold0", "fold1", "fold2")
    of_seeds = dataclasses.replace(tiny_settings, seeds=2, selection="val")
    assert of_seeds.trainings == ("training0", "training1")


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
