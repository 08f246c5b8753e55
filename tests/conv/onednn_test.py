"""Names, errors, threads and availability; conv_test.py tests values and gradients."""

import ctypes
import os
import pathlib
import subprocess
import sys
import threading
from importlib import metadata

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import conv
from synthmed_jax.conv import call_frame, libdnnl, onednn

needs_onednn = pytest.mark.skipif(
    not onednn.is_available(), reason="oneDNN is only for x86-64 Linux"
)
PADS = ((1, 1), (1, 1))


def make(seed=0, side=8):
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(size=(2, side, side, 3)), jnp.float32)
    return x, jnp.asarray(rng.normal(size=(3, 3, 3, 4)), jnp.float32)


@needs_onednn
def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("SYNTHMED_ONEDNN", "0")
    onednn.is_available.cache_clear()
    assert not onednn.is_available()
    monkeypatch.undo()
    onednn.is_available.cache_clear()
    assert onednn.is_available()


@needs_onednn
def test_names_tell_shapes_apart_in_every_process():
    names = {
        onednn._plan((2, side, 8, 3), (3, 3, 3, 4), strides, pads).name
        for side in (8, 9)
        for strides in ((1, 1), (1, 2))
        for pads in (PADS, ((0, 2), (1, 1)))
    }
    assert len(names) == 8
    assert "synthmed_onednn_2_8_8_3_3_3_3_4_1_1_1_1_1_1" in names


@needs_onednn
def test_other_libraries_keep_their_number_of_threads():
    """OpenMP is shared: PyTorch's convolutions after one of ours ran in one thread."""
    openmp = ctypes.CDLL("libgomp.so.1")
    before = openmp.omp_get_max_threads()
    openmp.omp_set_num_threads(3)
    try:
        image, kernel = make(side=11)
        jax.block_until_ready(onednn.convolve(image, kernel, (1, 1), PADS))
        assert openmp.omp_get_max_threads() == 3
        with onednn._library().limited_threads():
            assert openmp.omp_get_max_threads() == onednn._library().threads
        assert openmp.omp_get_max_threads() == 3
    finally:
        openmp.omp_set_num_threads(before)


@needs_onednn
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


@needs_onednn
def test_a_failure_inside_is_an_error_outside(monkeypatch):
    x, k = make(side=6)

    def fails(*arguments):
        raise RuntimeError("oneDNN: primitive_execute failed with status 5")

    monkeypatch.setattr(libdnnl.Library, "run", fails)
    with pytest.raises(jax.errors.JaxRuntimeError, match="primitive_execute failed with status 5"):
        jax.block_until_ready(onednn.convolve(x, k, (1, 1), PADS))


SCAN = """
import functools, itertools
import jax, numpy as np
from synthmed_jax.conv import onednn

rng = np.random.default_rng(0)
strides_and_sides = ((2, 2, 8), (2, 2, 9), (1, 2, 8), (2, 1, 8), (3, 3, 9), (2, 3, 8))

@functools.partial(jax.jit, static_argnums=(3, 4))
def results(x, k, dy, down, right):
    y, pull = jax.vjp(lambda x, k: onednn.convolve(x, k, (down, right), ((0, 0), (0, 0))), x, k)
    return y, *pull(dy)

for c, (down, right, side) in itertools.product((1, 2, 3, 4, 8), strides_and_sides):
    x = rng.normal(size=(6, side, side, c)).astype(np.float32)
    k = rng.normal(size=(1, 1, c, 16)).astype(np.float32)
    seen = x[:, ::down, ::right].astype(np.float64)
    y = seen @ k[0, 0]
    dy = rng.normal(size=y.shape).astype(np.float32)
    dx = np.zeros(x.shape)
    dx[:, ::down, ::right] = dy @ k[0, 0].T.astype(np.float64)
    dk = np.einsum("bhwc,bhwd->cd", seen, dy)[None, None]
    for name, a, b in zip(("y", "dx", "dk"), results(x, k, dy, down, right), (y, dx, dk)):
        error = np.abs(a - b).max() / np.abs(b).max()
        assert error < 1e-5, f"{name}, C={c}, strides {down} and {right}, side {side}: {error}"
print("all are right")
"""


@needs_onednn
@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["AVX2", "DEFAULT"])
def test_one_pixel_kernels_of_few_channels_are_right_at_every_stride(instructions):
    # oneDNN's own gradient of these is wrong or waits for ever on CPUs without AVX-512.
    done = subprocess.run(
        [sys.executable, "-c", SCAN],
        cwd=pathlib.Path(__file__).parents[2],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": instructions},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "all are right\n"), done.stderr[-2000:]


@pytest.fixture
def asked_anew():
    """Whether oneDNN is available is asked again, before the test and after it."""
    caches = (onednn.is_available, call_frame.header_layout)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.skipif(onednn._find() is None, reason="oneDNN is only for x86-64 Linux")
@pytest.mark.parametrize("header", ["another frame", None])
def test_a_jax_with_another_call_frame_gets_the_projects_own_convolutions(
    asked_anew, monkeypatch, tmp_path, capsys, header
):
    if header:
        (tmp_path / "xla/ffi/api").mkdir(parents=True)
        text = "struct XLA_FFI_CallFrame { size_t struct_size; void* new; void* extension_start; };"
        (tmp_path / "xla/ffi/api/c_api.h").write_text(text)
    monkeypatch.setattr(jax.ffi, "include_dir", lambda: str(tmp_path))
    monkeypatch.setattr(
        call_frame, "register", lambda *_: pytest.fail("would read wrong addresses")
    )
    x, k = make(side=7)  # of a shape that no other test has registered
    how = ((1, 1), PADS)
    found = conv.conv_general_dilated(x, k, *how, dimension_numbers=conv.LAYOUT)
    expected = jax.lax.conv_general_dilated(x, k, *how, dimension_numbers=conv.LAYOUT)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not onednn.is_available()
    (warning,) = capsys.readouterr().err.splitlines()  # one, however often it is asked
    assert f"jaxlib {metadata.version('jaxlib')} calls foreign functions" in warning
    assert "training will be slower" in warning
    assert "SYNTHMED_ONEDNN=0 ends this warning" in warning


def test_a_library_that_can_not_be_loaded_is_a_warning(asked_anew, monkeypatch, tmp_path, capsys):
    damaged = tmp_path / "libdnnl.so"
    damaged.write_bytes(b"")
    monkeypatch.setattr(onednn, "_find", lambda: str(damaged))
    assert not onednn.is_available()
    assert "libdnnl.so: file too short (Debian, Ubuntu: apt-get" in capsys.readouterr().err
