"""The verdict on a generator that knows ten images per class by heart, and on one of noise."""

import importlib

import numpy as np
import pytest

from synthmed_jax import runner
from synthmed_jax.diffusion import conditioning
from synthmed_jax.results.membership import IMAGES_AND_WEIGHTS, IMAGES_ONLY
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.verdicts import Release
from synthmed_jax.workdir import Workdir

pytestmark = pytest.mark.real_data
LEARNED = 10  # images per class


@pytest.fixture
def judge(real_data, tmp_path, monkeypatch):
    """Trains on the first LEARNED `fit` images per class of CT alone; returns what `audit` says."""
    portions_of_all = conditioning.portions

    def few(how, fit, val):
        chosen = [np.flatnonzero(fit.labels == label)[:LEARNED] for label in np.unique(fit.labels)]
        return portions_of_all(how, fit.subset(np.concatenate(chosen)), val)

    monkeypatch.setattr(conditioning, "portions", few)

    def run(steps):
        config = importlib.import_module("configs.covid_ddpm").get_config("cpu")
        config.data.update(dir=str(real_data), cache_dir=str(tmp_path / "cache"))
        config.diffusion.warp = 0.0
        config.diffusion.unet.channels = 32
        # One look at `val`, at the end: the weights with the least loss on it would be early ones.
        config.diffusion.train.update(steps=steps, val_every=steps, warmup_steps=0)
        config.generate.update(per_class=250, steps=20)
        runner.run(config, tmp_path / "run", ["split", "diffusion", "generate", "audit"])
        found = AuditMemorisation.read(Workdir(tmp_path / "run").audit_memorisation)
        print(f"{steps} steps: flagged {found.copied}, of fit {found.fit_copied}")
        return found, {each.released: each.verdict for each in found.release}

    return run


def test_ten_images_per_class_learned_by_heart_are_found(judge):
    found, verdicts = judge(4000)
    assert verdicts == {
        IMAGES_ONLY: Release.COPIES_FOUND,
        IMAGES_AND_WEIGHTS: Release.COPIES_FOUND,
    }
    assert found.copied.share > 0.5
    assert 2 * LEARNED / 2 <= found.fit_copied.hits <= 2 * LEARNED + 5


def test_a_generator_that_has_learned_nothing_gives_nothing_away(judge):
    _, verdicts = judge(1)
    assert verdicts == {IMAGES_ONLY: Release.NOT_FOUND, IMAGES_AND_WEIGHTS: Release.NOT_FOUND}
