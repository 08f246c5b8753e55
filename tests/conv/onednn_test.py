"""Names, errors, threads and availability; conv_test.py tests values and gradients."""

import ctypes
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
