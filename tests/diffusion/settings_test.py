import dataclasses
import pathlib
import subprocess
import sys

import pytest

from configs import base
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion.settings import (
    DiffusionSettings,
    GenerateSettings,
    SampleSettings,
    SweepSettings,
    TrainSettings,
    UNetSettings,
    attention_hint,
    check_attention,
    level_sides,
    missing_sides,
    parse,
    smallest_side,
)
from synthmed_jax.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
UNET = UNetSettings(
    channels=8, multipliers=(1, 2), blocks=1, attention=(), patch=1, dropout=0.0
)  # fmt: skip
GENERATE = GenerateSettings(
    sampler="ddpm", steps=12, spacing="time", eta=0.0, threshold="clip", guidance=1.0,
    guidance_low=0.0, guidance_high=1.0, seed=0, per_class=8, block=4,
)  # fmt: skip
SWEEP = SweepSettings(candidates=("ddpm:10", "ddim:10"), per_class=1, seeds=2)


@pytest.fixture
def diffusion(train_settings) -> DiffusionSettings:
    return DiffusionSettings(
        conditioning="class", noise_schedule="cosine", zero_terminal_snr=False, num_steps=50,
        prediction="v", flips="horizontal", shift=2, warp=0.5, unet=UNET, train=train_settings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ("diffusion.unet", UNetSettings),
        ("diffusion.train", TrainSettings),
        ("generate", GenerateSettings),
        ("sweep", SweepSettings),
    ],
)
def test_fields_are_those_of_the_config_block(block, kind):
    fields = base.get_config()
    for name in block.split("."):
        fields = fields[name]
    assert {field.name for field in dataclasses.fields(kind)} == set(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [("steps", 0), ("warmup_steps", 6),
     ("weighting", "snr"), ("timesteps", "even"), ("label_dropout", 1.0),
     ("ema_half_lives", ()), ("ema_half_lives", (0,)), ("patience", -1), ("learning_rate", 0.0)],
)  # fmt: skip
def test_bad_training_names_the_field(train_settings, field, value):
    with pytest.raises(UserError, match=f"config.diffusion.train.{field}"):
        dataclasses.replace(train_settings, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("channels", 6), ("channels", 0), ("multipliers", ()), ("multipliers", (0,)), ("blocks", 0),
     ("attention", (0,)), ("embedding", "shift"), ("patch", 0), ("dropout", 1.0),
     ("dropout", float("nan")), ("dtype", "float16")],
)  # fmt: skip
def test_bad_shapes_of_the_network_are_refused(field, value):
    with pytest.raises(UserError, match=field):
        dataclasses.replace(UNET, **{field: value})


def test_every_level_after_the_first_doubles_the_smallest_side():
    assert smallest_side(UNET) == 2
    assert smallest_side(dataclasses.replace(UNET, patch=4, multipliers=(1, 2, 2))) == 16


PAPER = dataclasses.replace(UNET, multipliers=(1, 1, 2, 3, 4), attention=(16,))


@pytest.mark.parametrize(
    ("image_size", "sides", "advised"),
    [
        (64, (64, 32, 16, 8, 4), None),
        (96, (96, 48, 24, 12, 6), 12),
        (112, (112, 56, 28, 14, 7), 14),
        (128, (128, 64, 32, 16, 8), None),
        (160, (160, 80, 40, 20, 10), 20),
        (192, (192, 96, 48, 24, 12), 12),
        (224, (224, 112, 56, 28, 14), 14),
        (256, (256, 128, 64, 32, 16), None),
    ],
)
def test_attention_at_a_side_that_no_level_has_is_refused_with_the_nearest(
    image_size, sides, advised
):
    assert level_sides(PAPER, image_size) == sides
    if advised is None:
        check_attention(PAPER, image_size)
        assert (missing_sides(PAPER, image_size), attention_hint(PAPER, image_size)) == ([], "")
        return
    flag = f"--config.diffusion.unet.attention={advised}"
    assert attention_hint(PAPER, image_size) == f" (with {flag})"
    with pytest.raises(UserError) as raised:
        check_attention(PAPER, image_size)
    assert f"the sides are {', '.join(map(str, sides))}: set {flag}, or" in str(raised.value)
    check_attention(dataclasses.replace(PAPER, attention=(advised,)), image_size)


def test_several_sides_keep_those_that_are_right():
    unet = dataclasses.replace(UNET, multipliers=(1, 1, 1), attention=(7, 16), patch=2)
    assert level_sides(unet, 64) == (32, 16, 8)
    assert missing_sides(unet, 64) == [7]
    with pytest.raises(UserError, match=r"no level has the side 7 .*attention=8,16, or"):
        check_attention(unet, 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conditioning": "classes"}, r"config\.diffusion\.conditioning=.*class, per_class"),
        ({"noise_schedule": "cosin"}, r"config\.diffusion\.noise_schedule=.*mean 'cosine'"),
        ({"prediction": "noise"}, r"config\.diffusion\.prediction=.*eps, x0, v"),
        ({"num_steps": 1}, r"config\.diffusion\.num_steps=1 must be at least 2"),
        ({"flips": "vertical"}, "flips='vertical' is not one of none, horizontal, dihedral"),
        ({"shift": -1}, "shift=-1"),
        ({"warp": 1.5}, "warp=1.5 must be between 0 and 1"),
        ({"zero_terminal_snr": True, "prediction": "eps"}, "use v or x0"),
    ],
)
def test_a_bad_generator_names_the_field(diffusion, changes, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(diffusion, **changes)


def test_a_model_of_one_class_has_no_label_to_hide(diffusion):
    hiding = dataclasses.replace(diffusion.train, label_dropout=0.1)
    dataclasses.replace(diffusion, train=hiding)
    dataclasses.replace(diffusion, conditioning="per_class")
    with pytest.raises(UserError, match=r"per_class tells no model a class.*label_dropout=0\.1"):
        dataclasses.replace(diffusion, conditioning="per_class", train=hiding)


def test_pure_noise_at_the_end_goes_with_every_other_prediction(diffusion):
    for prediction in ("v", "x0"):
        dataclasses.replace(diffusion, zero_terminal_snr=True, prediction=prediction)


def test_the_augmentation_is_that_of_the_block(diffusion):
    assert diffusion.augmentation == Augmentation("horizontal", 2, 0.5)


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


def test_importing_the_settings_imports_no_network_and_no_data_set_builder():
    code = (
        "import sys, synthmed_jax.diffusion.settings\n"
        "heavy = {'flax', 'tensorflow_datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
