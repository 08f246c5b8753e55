import dataclasses

import pytest

from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("field", "value"),
    [("steps", 0), ("warmup_steps", 6),
     ("weighting", "snr"), ("timesteps", "even"), ("label_dropout", 1.0),
     ("ema_half_lives", ()), ("ema_half_lives", (0,)), ("patience", -1), ("learning_rate", 0.0)],
)  # fmt: skip
def test_bad_settings_name_the_field(train_settings, field, value):
    with pytest.raises(UserError, match=f"config.diffusion.train.{field}"):
        dataclasses.replace(train_settings, **{field: value})
