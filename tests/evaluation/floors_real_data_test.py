"""The floors of the three real sets, split by image with seed 0, at 32 pixels."""

import time

import pytest

from configs import base
from synthmed_jax import settings
from synthmed_jax.data import held_out
from synthmed_jax.evaluation import floors

pytestmark = pytest.mark.real_data
# data.name, channels, features, accuracy at 32 pixels with seed 0.
KNOWN = [
    ("leukemia", 3, "histogram", 0.979),
    ("sarscov2_ct", 1, "pixels", 0.916),
    ("brain_tumor_mri", 1, "pixels", 0.892),
    ("brain_tumor_mri", 1, "ring", 0.841),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(("name", "channels", "features", "accuracy"), KNOWN)
def test_forests_score_what_was_measured_of_them(
    real_data, tmp_path, cache, name, channels, features, accuracy
):
    config = base.get_config("cpu")
    config.data.update(name=name, channels=channels, dir=str(real_data), cache_dir=str(cache))
    config.split.group_by = "none"
    run = settings.from_config(config)
    data, path = held_out.open_data_set(run.data), tmp_path / "split.json"
    held_out.write_split(path, data, run.split)
    fit, test = held_out.read_parts(path, data).fit, held_out.read_test(path, data)
    start = time.perf_counter()
    answers = floors.forest_answers(features, fit, test, seed=0)
    seconds = time.perf_counter() - start
    found = float((answers == test.labels).mean())
    print(f"{name} {features}: {found:.4f} in {seconds:.1f} s")
    assert found == pytest.approx(accuracy, abs=0.01)
    assert seconds < 60
