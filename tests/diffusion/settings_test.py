import dataclasses
import pathlib
import subprocess
import sys

import pytest

from configs import base
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.diffusion.generate_settings import GenerateSettings, SweepSettings
from synthmed_jax.diffusion.settings import DiffusionSettings, TrainSettings
from synthmed_jax.diffusion.unet_settings import UNetSettings
from synthmed_jax.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
UNET = UNetSettings(
    channels=8, multipliers=(1, 2), blocks=1, attention=(), patch=1, dropout=0.0
)  # fmt: skip


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
        ({"noise_scale": 0.0}, r"noise_scale=0\.0 must be above 0"),
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


def test_importing_the_settings_imports_no_network_and_no_data_set_builder():
    code = (
        "import sys\n"
        "import synthmed_jax.diffusion.settings, synthmed_jax.diffusion.generate_settings\n"
        "heavy = {'flax', 'tensorflow_datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
