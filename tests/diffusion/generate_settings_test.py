import dataclasses

import pytest

from synthmed_jax.diffusion.generate_settings import (
    GenerateSettings,
    SampleSettings,
    SweepSettings,
    parse,
)
from synthmed_jax.errors import UserError

GENERATE = GenerateSettings(
    sampler="ddpm", steps=12, spacing="time", eta=0.0, threshold="clip", guidance=1.0,
    guidance_low=0.0, guidance_high=1.0, seed=0, per_class=8, block=4,
)  # fmt: skip
SWEEP = SweepSettings(candidates=("ddpm:10", "ddim:10"), per_class=1, seeds=2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("sampler", "ddmp"), ("steps", 0), ("seed", -1), ("spacing", "even"), ("threshold", "clamp"),
     ("eta", 1.5), ("eta", 0.5), ("guidance", -1.0), ("guidance", 0.0), ("guidance", 0.99),
     ("guidance", float("nan")), ("guidance_low", -0.1),
     ("guidance_high", float("nan")), ("per_class", 0), ("block", 0)],
)  # fmt: skip
def test_bad_generation_names_the_field(field, value):
    with pytest.raises(UserError, match=f"config.generate.{field}"):
        dataclasses.replace(GENERATE, **{field: value})


@pytest.mark.parametrize(
    ("sampler", "spacing", "steps", "refused"),
    [("heun", "log_snr", 7, True), ("heun", "log_snr", 8, False), ("heun", "time", 5, False),
     ("dpm_solver_pp", "log_snr", 5, False)],
)  # fmt: skip
def test_heun_s_steps_in_log_snr_may_not_be_too_wide(sampler, spacing, steps, refused):
    changes = {"sampler": sampler, "spacing": spacing, "steps": steps}
    if refused:
        with pytest.raises(UserError, match=r"steps=7 is too few for sampler=heun.*take 8 steps"):
            dataclasses.replace(GENERATE, **changes)
    else:
        assert dataclasses.replace(GENERATE, **changes).steps == steps


def test_guidance_of_nought_is_told_what_none_is():
    with pytest.raises(UserError, match=r"guidance=0 must be at least 1: 1\.0 is no guidance"):
        dataclasses.replace(GENERATE, guidance=0)
    dataclasses.replace(GENERATE, guidance=1)


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.1), (0.5, 0.5), (0.0, 0.0), (1.0, 1.0)])
def test_guidance_that_would_act_at_no_step_is_refused(low, high):
    message = f"guidance_low={low} must be below guidance_high={high}"
    with pytest.raises(UserError, match=message):
        dataclasses.replace(GENERATE, guidance_low=low, guidance_high=high)


def test_drawing_may_be_set_without_how_many_images_there_shall_be():
    shared = {
        field.name: getattr(GENERATE, field.name) for field in dataclasses.fields(SampleSettings)
    }
    sample = SampleSettings(**shared)
    with pytest.raises(UserError, match=r"config\.generate\.steps"):
        dataclasses.replace(sample, steps=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": ("ddpm:10",)}, "two or more"),
        ({"candidates": ("ddpm:10", "ddin:10")}, "did you mean 'ddim'"),
        ({"candidates": ("ddpm:10", "ddim")}, "ddim:20"),
        ({"candidates": ("ddpm:10", "ddim:0")}, "ddim:20"),
        ({"seeds": 1}, "at least 2"),
        ({"per_class": 0}, "per_class=0"),
    ],
)
def test_a_bad_sweep_says_what_to_do(changes, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SWEEP, **changes)


def test_a_candidate_is_a_sampler_and_its_steps():
    assert parse("heun:10") == ("heun", 10)
