"""Kernels, bytes and memory of small programs that can be counted by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import parallel, rehearsal
from synthmed_jax.cost import work

N = 1024
BYTES = 4 * N * N


def work_of(function, *arrays, devices=1):
    """Of function(weights, *arrays), spread over devices."""
    with rehearsal.on("cuda", devices) as rehearsed:
        parallel.map_examples(function, N)(jax.ShapeDtypeStruct((N, N), jnp.float32), *arrays)
    return work.of(rehearsed.programs[-1].trace())


def images():
    return np.zeros((N, N), np.float32)


def test_a_chain_of_elementwise_operations_is_one_pass():
    done = work_of(lambda w, x: jnp.tanh(x * 2 + 1) * x, images())
    assert (done.launches, done.bytes, done.flops) == (1, 2 * BYTES, 0)
    # Arguments, of which one is not read, and the result.
    assert done.memory == 3 * BYTES


def test_what_a_product_reads_is_in_memory():
    done = work_of(lambda w, x: jnp.tanh(jnp.tanh(x) @ w), images())
    # tanh, product, tanh: each reads and writes.
    assert (done.launches, done.flops) == (3, 2 * N**3)
    assert done.bytes == (2 + 3 + 2) * BYTES
    # Both arguments stay; then one that is read and one that is written.
    assert done.memory == 4 * BYTES


def test_a_loop_is_counted_as_often_as_it_goes_round():
    def seven_times(w, x):
        return jax.lax.scan(lambda c, _: (c @ w, None), x, None, length=7)[0]

    assert work_of(seven_times, images()).flops == 7 * 2 * N**3


def test_calls_are_looked_into():
    @jax.checkpoint
    def inner(x, w):
        return jax.nn.relu(jax.jit(jnp.dot)(x, w))

    assert work_of(lambda w, x: inner(x, w), images()).flops == 2 * N**3


def test_a_mean_and_a_variance_are_one_pass():
    done = work_of(lambda w, x: x.mean(axis=1) + (x * x).mean(axis=1), images())
    assert done.bytes < 1.1 * BYTES


@pytest.mark.parametrize("devices", [1, 4])
def test_a_device_has_its_share_and_all_of_the_sums(devices):
    def step(w, batch):
        loss, gradient = jax.value_and_grad(lambda w: ((batch["x"] @ w) ** 2).mean())(w)
        loss, gradient = parallel.mean((loss, gradient))
        return w - gradient, loss

    with rehearsal.on("tpu", devices) as rehearsed:
        weights = jax.ShapeDtypeStruct((N, N), jnp.float32)
        parallel.train_step(step)(weights, {"x": images()})
    done = work.of(rehearsed.programs[-1].trace())
    assert done.flops == 2 * 2 * N**3 / devices
    assert done.summed == BYTES + 4
    assert done.collectives == 1
    assert done.arguments == BYTES + BYTES // devices


def test_a_given_array_makes_room_for_the_result():
    def step(w, batch):
        return w + batch["x"].sum(), {}

    with rehearsal.on("tpu", 1) as rehearsed:
        weights = jax.ShapeDtypeStruct((N, N), jnp.float32)
        parallel.train_step(step)(weights, {"x": images()})
    # The weights that are given away, the batch, the new weights.
    assert work.of(rehearsed.programs[-1].trace()).memory == pytest.approx(3 * BYTES, rel=0.01)


def test_how_often_a_search_goes_round_is_not_guessed():
    def until(w, x):
        return jax.lax.while_loop(lambda c: c.sum() < 0, lambda c: c @ w, x)

    with pytest.raises(ValueError, match="how often while goes round"):
        work_of(until, images())
