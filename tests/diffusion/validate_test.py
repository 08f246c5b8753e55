import numpy as np
import pytest

from synthmed_jax.diffusion import validate
from synthmed_jax.diffusion.step import init_state


@pytest.fixture(scope="module")
def params(train_settings, model):
    return init_state(train_settings, model).params


def test_levels_are_spread_over_the_schedule():
    np.testing.assert_array_equal(validate.level_steps(1000), np.arange(8) * 125 + 62)
    assert validate.level_steps(3).max() < 3


def test_a_fresh_network_s_loss_is_the_target_s_power(model, images, params):
    # It predicts 0, so the loss of v is E v^2 = alpha-bar + (1 - alpha-bar) E x_0^2.
    losses = validate.make_val_loss(model, images, 4, seed=0)(params)
    alpha_bar = model.schedule.alpha_bar[validate.level_steps(20)]
    power = np.square(images.images / 127.5 - 1).mean()
    assert model.prediction == "v"
    np.testing.assert_allclose(losses, alpha_bar + (1 - alpha_bar) * power, rtol=0.1)


def test_it_is_repeatable_and_batches_change_nothing(model, images, params):
    losses = [validate.make_val_loss(model, images, b, seed=0)(params) for b in (4, 4, 10)]
    np.testing.assert_array_equal(losses[0], losses[1])
    np.testing.assert_allclose(losses[0], losses[2], rtol=1e-5)


def test_nearness_is_measured_on_samples_of_every_class():
    seen = {}

    def draw(params, label, index):
        seen.update(params=params, label=label, index=index)
        return np.zeros((len(label), 2, 2, 1), np.uint8)

    assert validate.measure_nearness(draw, lambda images: len(images) / 2, "weights", 3) == 24
    assert seen["params"] == "weights"
    assert set(seen["label"]) == {0, 1, 2}
    assert len(set(seen["index"])) == validate.NEARNESS_SAMPLES
