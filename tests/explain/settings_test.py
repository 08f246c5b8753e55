import dataclasses
import pathlib
import subprocess
import sys

import pytest

from configs import base
from synthmed_jax.errors import UserError
from synthmed_jax.explain.lime import LimeSettings
from synthmed_jax.explain.settings import ExplainSettings

SETTINGS = ExplainSettings(
    arm="synthetic",
    engine="jax",
    num_samples=100,
    precision=0.2,
    sampling="balanced",
    control="none",
    segmentation="grid",
    regions=9,
    seed=3,
    images=2,
    repeats=1,
    compare_with_lime=False,
    batch_size=16,
)


def test_the_fields_are_those_of_the_config_block():
    names = [field.name for field in dataclasses.fields(ExplainSettings)]
    # `check` is the older name of `compare_with_lime`.
    wanted = set(base.get_config("paper").explain) - {"check"} | {"compare_with_lime"}
    assert set(names) == wanted


def test_how_one_image_is_explained():
    assert SETTINGS.lime == LimeSettings(
        engine="jax",
        num_samples=100,
        precision=0.2,
        sampling="balanced",
        control="none",
        segmentation="grid",
        regions=9,
        seed=3,
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("images", 0, "config.explain.images=0 must be at least 1"),
        ("repeats", 0, "config.explain.repeats=0 must be at least 1"),
        ("batch_size", 0, "config.explain.batch_size=0 must be at least 1"),
        ("num_samples", 1, "config.explain.num_samples=1 must be at least 2"),
        ("precision", -0.1, "config.explain.precision=-0.1 must be at least 0 and below 1"),
        ("precision", 1.0, "config.explain.precision=1.0 must be at least 0 and below 1"),
        ("engine", "lyme", "config.explain.engine='lyme' .* did you mean 'lime'"),
        ("segmentation", "slik", "config.explain.segmentation='slik' .* did you mean 'slic'"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(field, value, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SETTINGS, **{field: value})


LIGHT = """
import sys
import synthmed_jax.explain.settings

loaded = set(sys.modules)
heavy = {"flax", "optax", "orbax", "grain", "tensorflow_datasets", "torch", "tensorflow"} & loaded
rooms = ("synthmed_jax.classifiers", "synthmed_jax.diffusion", "synthmed_jax.data")
heavy |= {name for name in loaded if name.startswith(rooms)}
assert not heavy, heavy
"""


def test_importing_the_settings_imports_no_network_and_no_data_sets():
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
