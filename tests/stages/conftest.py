import importlib

import pytest

from synthmed_jax import settings
from synthmed_jax.stages.run import make_run as run_of


@pytest.fixture
def make_run(tmp_path):
    """Builds a run at smoke scale, of two arms, in one workdir; a__b is the field a.b."""

    def make(**changes):
        config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
        config.data.cache_dir = str(tmp_path / "cache")
        config.classifier.arms = ("synthetic", "real")
        config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
        return run_of(settings.from_config(config), tmp_path / "run")

    return make
