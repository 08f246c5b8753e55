import dataclasses

import pytest

from synthmed_jax.diffusion import advice
from synthmed_jax.diffusion.generate_settings import SampleSettings
from synthmed_jax.diffusion.process import loss_weights
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.settings import DiffusionSettings
from synthmed_jax.diffusion.unet_settings import UNetSettings

UNET = UNetSettings(
    channels=8, multipliers=(1, 2), blocks=1, attention=(), patch=1, dropout=0.0
)  # fmt: skip
SAMPLE = SampleSettings("dpm_solver_pp", 15, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)


@pytest.fixture
def diffusion(train_settings) -> DiffusionSettings:
    return DiffusionSettings(
        conditioning="class", noise_schedule="cosine", zero_terminal_snr=False, num_steps=1000,
        prediction="v", flips="none", shift=0, warp=0.0, unet=UNET, train=train_settings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "factor"),
    [({"prediction": "eps"}, "20,291"),
     ({"prediction": "eps", "noise_schedule": "sigmoid"}, "1,825"),
     ({"prediction": "eps", "noise_schedule": "linear"}, None),
     ({"prediction": "x0"}, None),
     ({}, None)],
)  # fmt: skip
def test_eps_where_the_schedule_ends_in_noise_alone(diffusion, changes, factor):
    found = advice.warnings(dataclasses.replace(diffusion, **changes), SAMPLE)
    assert len(found) == (factor is not None)
    for sentence in found:
        assert sentence.startswith("config.diffusion.prediction=eps with noise_schedule=")
        assert f"is multiplied by {factor} in" in sentence
        assert "prediction=v" in sentence


@pytest.mark.parametrize(
    ("weighting", "zero", "warned"),
    [("min_snr", True, True), ("simple", True, False), ("min_snr", False, False)],
)
def test_a_last_step_that_is_not_learned(diffusion, weighting, zero, warned):
    """The weight of that step is 0 there, and nowhere else."""
    train = dataclasses.replace(diffusion.train, weighting=weighting)
    given = dataclasses.replace(diffusion, train=train, zero_terminal_snr=zero)
    weights = loss_weights(
        make_schedule(given.noise_schedule, given.num_steps, zero_terminal_snr=zero), weighting, "v"
    )
    assert (float(weights[-1]) == 0) == warned
    (*said,) = advice.about_weighting(given)
    assert [each.split(" with ")[0] for each in said] == [
        "config.diffusion.train.weighting=min_snr"
    ] * warned


@pytest.mark.parametrize(
    ("sampler", "steps", "warned"),
    [("ddpm", 20, True), ("ddim", 29, True), ("ddpm", 30, False), ("ddpm_beta", 20, False),
     ("dpm_solver_pp", 5, False), ("heun", 10, False)],
)  # fmt: skip
def test_samplers_that_need_more_steps(diffusion, sampler, steps, warned):
    sample = dataclasses.replace(SAMPLE, sampler=sampler, steps=steps)
    found = advice.warnings(diffusion, sample)
    assert len(found) == warned
    for sentence in found:
        assert f"config.generate.sampler={sampler} with steps={steps} " in sentence
        assert "30 steps or more" in sentence
