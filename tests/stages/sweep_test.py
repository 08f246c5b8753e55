import dataclasses

import numpy as np
import pytest

from synthmed_jax.classifiers import feature_net
from synthmed_jax.diffusion import sweep as rows_of
from synthmed_jax.diffusion.generate_settings import SweepSettings
from synthmed_jax.errors import UserError
from synthmed_jax.stages import features, split, sweep

SETTINGS = SweepSettings(("ddpm:100", "dpm_solver_pp:10"), per_class=2, seeds=2)


def test_copies_of_fit_are_not_nearer_to_val_than_real_images_that_nobody_has_learned(
    make_run, monkeypatch
):
    """In the features that a sweep uses, of a network that has learned `fit`."""
    short = dataclasses.replace(feature_net.training(16), max_epochs=4, min_steps=100)
    monkeypatch.setattr(feature_net, "training", lambda side: short)
    run = make_run(data__phantom_images=90)
    split.STAGE.run(run)
    features.STAGE.run(run)
    fit = run.inputs.parts.fit.images
    others = make_run(data__phantom_images=90, data__phantom_seed=1)
    unseen = others.inputs.planned_split.parts.fit.images
    rng = np.random.default_rng(0)

    def drawn(sampler, steps):
        images = unseen if sampler == "ddpm" else fit
        return lambda which: images[rng.permutation(len(images))[:60]], steps

    distance = sweep.distance_to_val(run)
    unseen_row, copies = rows_of.compare(SETTINGS, drawn, distance, lambda images: None)
    assert rows_of.against_first(copies) != "nearer"
    # The features see what there is to see: images without their pattern are far away.
    noise = rng.permuted(unseen[:60].reshape(60, -1), axis=1).reshape(unseen[:60].shape)
    assert distance(noise).value > 5 * abs(np.mean(copies.distances))
    assert distance(noise).value > 5 * abs(np.mean(unseen_row.distances))


def test_a_sweep_needs_real_images_that_were_not_learned(make_run):
    sweep.STAGE.check(make_run())
    with pytest.raises(UserError, match=r"val has 0: .* --config\.split\.val_fraction=0\.1"):
        sweep.STAGE.check(make_run(split__val_fraction=0.0))
