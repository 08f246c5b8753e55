import dataclasses

import jax
import numpy as np
import pytest

from synthmed_jax import parallel
from synthmed_jax.classifiers import inputs
from synthmed_jax.classifiers.programs import make_programs
from synthmed_jax.classifiers.settings import make_rates


def test_smoothed_labels_raise_the_loss_of_a_sure_answer(make_tiny, tiny_settings, images):
    # Of an untrained network the loss is (nearly) the same; of a sure one it can't fall below the
    # entropy of the smoothed label.
    smoothed = dataclasses.replace(tiny_settings, label_smoothing=0.2)
    programs = make_programs(make_tiny(smoothed), smoothed)
    state = programs.init(jax.random.key(0), make_rates(smoothed, 100))
    batch = {"image": images.images[:8], "label": images.labels[:8]}
    for _ in range(200):
        state, metrics = programs.step(state, batch)
    least = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert least <= float(metrics["loss"]) < least + 0.1


def test_bfloat16_trains_weights_of_float32(make_tiny, tiny_settings, images):
    low = dataclasses.replace(tiny_settings, dtype="bfloat16")
    variables, seen = {}, {}
    for settings in (tiny_settings, low):
        network = make_tiny(settings)
        programs = make_programs(network, settings)
        batch = {"image": images.images[:8], "label": images.labels[:8]}
        state = programs.init(jax.random.key(0), make_rates(settings, 25))
        state, _ = programs.step(state, batch)
        assert {x.dtype for x in jax.tree.leaves(state.params)} == {np.dtype("float32")}
        assert {x.dtype for x in jax.tree.leaves(state.batch_stats)} == {np.dtype("float32")}
        variables[settings.dtype] = state.variables
        logits, inside = network.apply(
            variables["float32"],
            inputs.normalise(images.images[:8]),
            train=False,
            capture_intermediates=True,
        )
        assert logits.dtype == np.float32
        norm = inside["intermediates"]["bn"]["__call__"][0]
        assert norm.dtype == settings.dtype
        seen[settings.dtype] = programs.predict(variables["float32"], images.images)
    # The same function, to bfloat16's three digits, and not to float32's seven.
    np.testing.assert_allclose(seen["bfloat16"], seen["float32"], atol=0.02)
    assert np.abs(seen["bfloat16"] - seen["float32"]).max() > 1e-5


@pytest.mark.parametrize("size", [8, 7])
def test_two_devices_train_like_one(make_tiny, tiny_settings, images, size):
    batch = {"image": images.images[:size], "label": images.labels[:size]}

    def one_step():
        # One only: Adam turns rounding of a gradient near zero into a step of full length.
        programs = make_programs(make_tiny(tiny_settings), tiny_settings)
        state = programs.init(jax.random.key(0), make_rates(tiny_settings, 25))
        state, metrics = programs.step(state, batch)
        found = (state.batch_stats, state.opt_state)
        return jax.tree.map(np.asarray, found), float(metrics["loss"])

    state_2, loss_2 = one_step()
    with parallel.on(jax.local_devices()[1]):
        state_1, loss_1 = one_step()
    assert loss_2 == pytest.approx(loss_1, rel=1e-5)
    for a, b in zip(jax.tree.leaves(state_2), jax.tree.leaves(state_1), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(b).max()))
