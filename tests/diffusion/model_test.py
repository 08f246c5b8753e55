import pytest

from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.errors import UserError


def test_a_model_that_divides_by_zero_is_refused(network):
    pure_noise = make_schedule("linear", 20, zero_terminal_snr=True)
    with pytest.raises(UserError, match="'eps' can't go with a zero terminal SNR"):
        Model(network, pure_noise, "eps", (8, 8, 1))
    for prediction in ("v", "x0"):
        Model(network, pure_noise, prediction, (8, 8, 1))
    Model(network, make_schedule("linear", 20), "eps", (8, 8, 1))


def test_an_unknown_prediction_lists_the_choices(network, schedule):
    with pytest.raises(UserError, match="eps, x0, v"):
        Model(network, schedule, "noise", (8, 8, 1))
