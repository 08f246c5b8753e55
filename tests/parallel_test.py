import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax import parallel


def test_metrics_are_reduced_over_unequal_shards():
    def step(state, batch):
        total = parallel.mean({"loss": batch["x"].mean()})
        return jax.tree.map(lambda s: s + total["loss"], state), total

    state, metrics = parallel.train_step(step)(
        {"w": jnp.zeros(3)}, {"x": np.array([1.0, 1.0, 5.0, 9.0], np.float32)}
    )
    assert float(metrics["loss"]) == 4.0
    np.testing.assert_array_equal(state["w"], [4, 4, 4])


def test_a_mean_of_many_arrays_is_one_sum_and_that_of_each():
    """Over hosts of CPUs each sum waits for the slowest host."""

    def step(state, batch):
        means = parallel.mean({"x": batch["x"].sum(axis=0), "y": {"z": batch["x"][0, 0] ** 2}})
        return state, means

    def count_sums(state, x):
        mapped = jax.pmap(step, axis_name=parallel.AXIS, in_axes=(None, 0), out_axes=None)
        return mapped.lower(state, parallel.split({"x": x})).as_text().count("all_reduce")

    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    _, means = parallel.train_step(step)(jnp.zeros(1), {"x": x})
    np.testing.assert_array_equal(means["x"], x.sum(axis=0) / 2)
    assert float(means["y"]["z"]) == (0 + 6**2) / 2
    assert count_sums(jnp.zeros(1), x) == 1


def test_on_one_device_all_work_is_there():
    def step(state, batch):
        return state + parallel.mean(batch["x"].sum()), parallel.example_indices(len(batch["x"]))

    train_step = parallel.train_step(step)
    double = parallel.map_examples(lambda state, x: state * x, 4)
    x = np.arange(4.0, dtype=np.float32)
    for device in jax.local_devices():
        with parallel.on(device):
            state, indices = train_step(jnp.zeros(()), {"x": x})
            assert (state.devices(), float(state)) == ({device}, 6.0)
            np.testing.assert_array_equal(indices, np.arange(4))
            assert parallel.everywhere(x).devices() == {device}
            np.testing.assert_array_equal(double(jnp.float32(2), x), 2 * x)
    # Then on all of them again: a mean over devices of their sums.
    state, _ = train_step(jnp.zeros(()), {"x": x})
    assert (state.devices(), float(state)) == (set(jax.local_devices()), 3.0)


def test_gradients_through_what_is_gathered_are_those_of_all_shares():
    x = np.array([1.0, -2.0, 0.5, 3.0], np.float32)

    def step(state, batch):
        def loss(w):
            own = w * batch["x"]
            return jnp.prod(parallel.gather(own)) + parallel.gather(batch["x"]).sum()

        return parallel.mean(jax.grad(loss)(state)), {}

    gradient, _ = parallel.train_step(step)(jnp.float32(2), {"x": x})
    assert float(gradient) == pytest.approx(4 * 2**3 * np.prod(x))


def test_a_fresh_state_reaches_every_device_before_the_step(monkeypatch):
    # Else two devices on two threads may wait for each other for ever.
    seen = []

    def note(function, **options):
        def mapped(state, batch):
            seen.extend(leaf.sharding.device_set for leaf in jax.tree.leaves(state))
            return state, {}

        return mapped

    monkeypatch.setattr(parallel.jax, "pmap", note)
    step = parallel.train_step(lambda state, batch: (state, {}))
    for state in ({"w": jnp.zeros(3), "n": jnp.zeros(())}, {"w": np.zeros(3)}):
        once, _ = step(state, {"x": np.zeros(4)})
        again, _ = step(once, {"x": np.zeros(4)})
        assert again is once  # no copy of what is there
    assert all(devices == set(jax.local_devices()) for devices in seen)


def test_on_a_cpu_a_step_begins_when_the_last_one_has_ended(monkeypatch):
    # Else hundreds of short ones hang: two threads, of which one waits for the other's device.
    ready = []
    pmap = jax.pmap

    def noted(function, **options):
        mapped = pmap(function, **options)

        def call(state, batch):
            ready.append(state.is_ready())
            return mapped(state, batch)

        return call

    def step(state, batch):
        return jax.lax.fori_loop(0, 300, lambda _, x: parallel.mean(x @ x / 200), state), {}

    monkeypatch.setattr(parallel.jax, "pmap", noted)
    train_step = parallel.train_step(step)
    state = jnp.ones((200, 200))
    for _ in range(4):
        state, _ = train_step(state, {"x": np.zeros(4)})
    assert ready == [True] * 4


def test_what_stays_on_the_devices_is_loaded_there_and_compiles_no_step_again():
    traced = []

    def step(state, batch):
        traced.append(batch["x"].shape)
        total = parallel.mean(batch["x"].sum(0))
        return state + total, total

    train_step = parallel.train_step(step, lambda resident, batch: {"x": resident[batch["index"]]})
    predict = parallel.map_examples(
        lambda state, x: state + x, 4, lambda resident, index: resident[index]
    )
    rng = np.random.default_rng(0)
    for count in (5, 9):
        x = rng.normal(size=(count, 3)).astype(np.float32)
        resident = parallel.everywhere(x)
        index = rng.integers(0, count, 6)
        _, found = train_step(jnp.zeros(3), {"index": index}, resident)
        np.testing.assert_allclose(found, x[index].sum(0) / 2, rtol=1e-6)
        one = np.float32(1)
        found = predict(one, np.arange(count), resident=resident)
        np.testing.assert_array_equal(found, predict(one, x))
    assert traced == [(3, 3)]


def test_examples_are_numbered_over_the_global_batch():
    def number(state, x):
        return parallel.example_indices(x.shape[0])

    found = parallel.map_examples(number, 6)(None, np.zeros(6))
    np.testing.assert_array_equal(found, np.arange(6))


mapped = parallel.map_examples(lambda state, x, y: {"sum": state + x * y}, 4)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 19))
def test_any_number_of_examples_through_one_compiled_shape(n):
    x = np.arange(n, dtype=np.float32)
    found = mapped(np.float32(1), x, x + 1)
    np.testing.assert_array_equal(found["sum"], 1 + x * (x + 1))


def test_a_batch_size_is_rounded_up_to_the_devices():
    found = parallel.map_examples(lambda state, x: -x, 3)(None, np.arange(5.0, dtype=np.float32))
    np.testing.assert_array_equal(found, -np.arange(5.0))


@pytest.mark.parametrize("count", [1, 5, 6])
def test_an_uneven_batch_gives_the_means_sums_and_gradients_of_its_own_examples(count):
    x = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def step(state, batch):
        local = len(batch["x"])

        def loss(w):
            of_each = (w * batch["x"]).sum(-1) ** 2
            return parallel.weighted(of_each).mean()

        value, gradient = parallel.mean(jax.value_and_grad(loss)(state))
        whole = parallel.gather(batch["x"])
        own = parallel.example_indices(local)
        seen = {
            "batch": whole,
            "size": parallel.batch_size(local),
            "apart": whole[own] - batch["x"],
        }
        return gradient, seen | {"loss": value}

    w = np.float32(1.5)
    gradient, seen = parallel.train_step(step)(w, {"x": x})
    assert int(seen["size"]) == count
    np.testing.assert_array_equal(seen["batch"], x)
    np.testing.assert_array_equal(seen["apart"], np.zeros_like(seen["apart"]))
    sums = x.sum(-1)
    assert float(seen["loss"]) == pytest.approx((w**2 * sums**2).mean(), rel=1e-5)
    assert float(gradient) == pytest.approx((2 * w * sums**2).mean(), rel=1e-5)


def test_uneven_batches_of_several_sizes_are_not_taken_for_each_other():
    def step(state, batch):
        return state, {"mean": parallel.mean(parallel.weighted(batch["x"]).mean())}

    train_step = parallel.train_step(step, parts=2)
    for count in (3, 1, 2, 8, 3):  # four rows on two devices, then as many that count
        x = np.arange(1, count + 1, dtype=np.float32)
        _, found = train_step(jnp.zeros(()), {"x": x})
        assert float(found["mean"]) == pytest.approx(x.mean())


def test_outside_of_a_step_all_examples_weigh_the_same():
    x = jnp.arange(3.0)
    assert parallel.example_weights() is None
    assert parallel.weighted(x) is x


def test_a_device_that_waits_long_does_not_kill_the_process(monkeypatch):
    # XLA aborts on a flag that it does not know, so that a process that computes knows them all.
    code = (
        "import jax, os; from synthmed_jax import parallel\n"
        "parallel.set_up_devices(2); parallel.set_up_devices(2)\n"
        "mean = jax.pmap(lambda x: parallel.mean(x), axis_name=parallel.AXIS)\n"
        "assert mean(jax.numpy.arange(2.0)).tolist() == [0.5, 0.5]\n"
        "print(os.environ['XLA_FLAGS'])"
    )
    own = "--xla_cpu_collective_timeout_seconds=77"
    monkeypatch.setenv("XLA_FLAGS", own)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == f"{parallel.CPU_COLLECTIVE_TIMEOUTS} {own}"


@pytest.mark.parametrize("devices", [1, 2])
def test_a_step_is_compiled_once(devices):
    # In a process of its own: the number of devices can't be changed later.
    code = (
        "from synthmed_jax import parallel\n"
        f"parallel.set_up_devices({devices})\n"
        "import jax.numpy as jnp, numpy as np\n"
        "traced = []\n"
        "def step(state, batch):\n"
        "    traced.append(1)\n"
        "    return state + parallel.mean(batch.sum()), {}\n"
        "state, train_step = jnp.zeros(3), parallel.train_step(step)\n"
        "for _ in range(3):\n"
        "    state, _ = train_step(state, np.ones(4))\n"
        "print(len(traced))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"
