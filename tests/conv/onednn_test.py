"""What conv_test.py, which has its values and gradients, can't see: names, errors, threads."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.conv import onednn

pytestmark = pytest.mark.skipif(not onednn.is_available(), reason="oneDNN is only for x86-64 Linux")
PADS = ((1, 1), (1, 1))


def make(seed=0, side=8):
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(size=(2, side, side, 3)), jnp.float32)
    return x, jnp.asarray(rng.normal(size=(3, 3, 3, 4)), jnp.float32)


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("SYNTHMED_ONEDNN", "0")
    onednn.is_available.cache_clear()
    assert not onednn.is_available()
    monkeypatch.undo()
    onednn.is_available.cache_clear()
    assert onednn.is_available()


def test_names_tell_shapes_apart_in_every_process():
    names = {
        onednn._plan((2, side, 8, 3), (3, 3, 3, 4), strides, pads).name
        for side in (8, 9)
        for strides in ((1, 1), (1, 2))
        for pads in (PADS, ((0, 2), (1, 1)))
    }
    assert len(names) == 8
    assert "synthmed_onednn_2_8_8_3_3_3_3_4_1_1_1_1_1_1" in names


def test_many_threads_get_their_own_results():
    inputs = [make(seed, side) for seed, side in enumerate([8, 16, 8, 16])]
    expected = [onednn.convolve(x, k, (1, 1), PADS) for x, k in inputs]
    found = [None] * len(inputs)

    def work(i):
        for _ in range(20):
            found[i] = np.asarray(onednn.convolve(*inputs[i], (1, 1), PADS))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_failure_inside_is_an_error_outside(monkeypatch):
    x, k = make(side=6)

    def fails(*arguments):
        raise RuntimeError("oneDNN: primitive_execute failed with status 5")

    monkeypatch.setattr(onednn._Library, "run", fails)
    with pytest.raises(jax.errors.JaxRuntimeError, match="primitive_execute failed with status 5"):
        jax.block_until_ready(onednn.convolve(x, k, (1, 1), PADS))
