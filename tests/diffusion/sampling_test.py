import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.diffusion import sampling
from synthmed_jax.diffusion.generate_settings import SampleSettings

SETTINGS = SampleSettings("ddpm", 12, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
BLOCK = 4


@pytest.fixture(scope="module")
def params(model):
    """Weights that are zero nowhere, so that class and step matter."""
    x, t = jnp.zeros((1, 8, 8, 1)), jnp.zeros(1, jnp.int32)
    shapes = jax.eval_shape(model.unet.init, jax.random.key(0), x, t, t)["params"]
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda v: rng.normal(0, 0.2, v.shape).astype(np.float32), shapes)


@pytest.fixture(scope="module")
def make(model, params):
    def make_draw(**changes):
        draw = sampling.Draw(dataclasses.replace(SETTINGS, **changes), model, BLOCK)
        return lambda label, index: draw(
            params, np.asarray(label, np.int32), np.asarray(index, np.int32)
        )

    return make_draw


@pytest.fixture(scope="module")
def draw(make):
    return make()


def distance(a, b):
    return np.abs(a.astype(int) - b.astype(int)).max()


def test_hardly_any_row_is_computed_in_vain():
    """Of the 15 evaluations of the preset `cpu` it was a third more."""
    for total in range(1, 1001):
        rows = sampling.rows_per_call(total)
        assert 1 <= rows <= sampling.MOST_ROWS
        assert -(-total // rows) * rows <= 1.06 * total, total
    assert sampling.rows_per_call(15) == 15


def test_rounding_is_to_the_nearest_grey_level():
    x = np.array([-2, -1, -1 + 0.9 / 127.5, 0.0, 1, 3])
    np.testing.assert_array_equal(sampling.to_grey_levels(x), [0, 0, 1, 128, 255, 255])


def test_an_image_is_determined_by_class_and_index(draw, make):
    images = draw([0, 1, 1], [5, 5, 6])
    assert images.dtype == np.uint8
    assert images.shape == (3, 8, 8, 1)
    # Another batch: the same image to one grey level.
    assert distance(draw([1], [5])[0], images[1]) <= 1
    assert distance(images[0], images[1]) > 1
    assert distance(images[1], images[2]) > 1
    assert distance(make(seed=1)([0, 1, 1], [5, 5, 6]), images) > 1


def test_nothing_is_compiled_after_compile(model, params, monkeypatch):
    traced, run = [], sampling.samplers.run
    monkeypatch.setattr(sampling.samplers, "run", lambda *a: (traced.append(a), run(*a))[1])
    draw = sampling.Draw(SETTINGS, model, BLOCK)
    draw.compile(params)
    assert len(traced) == 1
    draw(params, np.zeros(6, np.int32), np.arange(6, dtype=np.int32))
    assert len(traced) == 1


def test_another_seed_runs_the_same_program(model, params):
    """Or every replicate of a run would compile its sampler anew."""
    label, index = np.zeros(BLOCK, np.int32), np.arange(BLOCK, dtype=np.int32)

    def program(seed):
        draw = sampling.Draw(dataclasses.replace(SETTINGS, seed=seed), model, BLOCK)
        walk = draw.start(label, index)
        state = (params, np.int32(0), draw._root)
        return jax.jit(draw._go_on).lower(state, label, index, *walk).as_text()

    assert program(0) == program(100_000)


def test_guidance_of_any_weight_but_1_changes_what_is_drawn(draw, make):
    plain = draw([0, 1], [0, 0])
    assert distance(make(guidance=4.0)([0, 1], [0, 0]), plain) > 1
    # Guidance whose interval holds no step is none.
    nowhere = make(guidance=4.0, guidance_low=0.99999)([0, 1], [0, 0])
    assert distance(nowhere, plain) <= 1


def test_one_guided_evaluation_is_two(model, params):
    settings = dataclasses.replace(SETTINGS, guidance=3.0, threshold="none")
    draw = sampling.Draw(settings, model, BLOCK)
    x, t = jax.random.normal(jax.random.key(3), (2, 8, 8, 1)), jnp.array([3, 7])
    label = jnp.array([1, 0])

    @jax.jit
    def both_ways():
        conditional, unconditional = (
            model.denoiser(params, own)(x, t)
            for own in (label, jnp.full_like(label, model.unet.no_class))
        )
        expected = unconditional + 3 * (conditional - unconditional)
        return draw._denoiser(params, label)(x, t), expected

    found, expected = both_ways()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_ddim_with_all_of_its_fresh_noise_draws_what_ddpm_draws(draw, make):
    ddpm = draw([0], [0])
    assert distance(make(sampler="ddim", eta=1.0)([0], [0]), ddpm) <= 1
    assert distance(make(sampler="ddim", eta=0.0)([0], [0]), ddpm) > 1
