"""Our convolution against XLA's: values and both gradients, alone and under transformations."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed_jax import conv
from synthmed_jax.conv import geometry, onednn, winograd

WITH_ONEDNN = pytest.param(
    True,
    id="onednn",
    marks=pytest.mark.skipif(not onednn.is_available(), reason="oneDNN is only for x86-64 Linux"),
)


@pytest.fixture(scope="module", autouse=True, params=[pytest.param(False, id="own"), WITH_ONEDNN])
def _implementation(request):
    """Every test runs with our own convolutions, and with oneDNN's where they are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onednn, "is_available", lambda: request.param)
        yield


def arrays(seed, lhs, rhs):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=lhs).astype(np.float32)
    kernel = rng.normal(size=rhs).astype(np.float32) / np.sqrt(np.prod(rhs[:3]))
    return jnp.asarray(x), jnp.asarray(kernel)


# Share of the largest value that a result may be off by: short dtypes, by a few roundings.
TOLERANCES = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}


def value_and_gradients(function, x, kernel, strides, padding, dilation=(1, 1), groups=1):
    def run(x, kernel):
        return function(
            x,
            kernel,
            strides,
            padding,
            rhs_dilation=dilation,
            feature_group_count=groups,
            dimension_numbers=jax.lax.conv_dimension_numbers(x.shape, kernel.shape, conv.LAYOUT),
        )

    y, pull = jax.vjp(run, x, kernel)
    return y, *pull(jnp.sin(jnp.arange(y.size)).reshape(y.shape).astype(y.dtype))


def assert_close(found, expected, tolerance=TOLERANCES["float32"]):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        atol = tolerance * np.abs(b).max(initial=0)
        np.testing.assert_allclose(np.asarray(a, np.float32), b, atol=atol)


def xla_of_padded(x, kernel, strides, padding, **options):
    if not isinstance(padding, str):
        cuts = ((0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0))
        x, padding = jax.lax.pad(x, 0.0, cuts), "VALID"
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)


def assert_equals_xla(x, kernel, dtype, *how):
    """Ours in `dtype` against XLA's in float32, both of the same rounded numbers.

    XLA gets images that are padded already: of negative padding it makes nonsense on a CPU.
    """
    x, kernel = x.astype(dtype), kernel.astype(dtype)
    found = value_and_gradients(conv.conv_general_dilated, x, kernel, *how)
    assert {v.dtype for v in found} == {jnp.dtype(dtype)}
    exact = (x.astype(jnp.float32), kernel.astype(jnp.float32))
    expected = value_and_gradients(xla_of_padded, *exact, *how)
    assert_close(found, expected, TOLERANCES[dtype])


PADDINGS = ("SAME", "VALID", ((1, 1), (1, 1)), ((0, 2), (1, 0)), ((2, -1), (-2, 0)))


@settings(max_examples=18, deadline=None)
@given(
    dtype=st.sampled_from(list(TOLERANCES)),
    batch=st.sampled_from([0, 1, 2, 3, 6]),
    side=st.sampled_from([4, 5, 8]),
    channels=st.sampled_from([3, 16, 24]),
    features=st.sampled_from([2, 16, 20]),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2]),
    padding=st.sampled_from(PADDINGS),
)
def test_equals_xla(dtype, batch, side, channels, features, kernel, stride, padding):
    x, k = arrays(0, (batch, side, side + 1, channels), (kernel, kernel, channels, features))
    assert_equals_xla(x, k, dtype, (stride, stride), padding)


def exact(x, kernel, strides, padding, dilation):
    """Value, and gradients as of `value_and_gradients`, in float64 by the definition."""
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True)]
    sides = [(n - r) // s + 1 for n, r, s in zip(padded.shape[1:3], reach, strides, strict=True)]
    windows = {
        (i, j): (
            slice(None),
            slice(i * dilation[0], i * dilation[0] + (sides[0] - 1) * strides[0] + 1, strides[0]),
            slice(j * dilation[1], j * dilation[1] + (sides[1] - 1) * strides[1] + 1, strides[1]),
        )
        for i, j in np.ndindex(*kernel.shape[:2])
    }
    y = sum(padded[window] @ kernel[place] for place, window in windows.items())
    dy = np.sin(np.arange(y.size)).reshape(y.shape)
    dx, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    for place, window in windows.items():
        dx[window] += dy @ kernel[place].T
        dkernel[place] = np.einsum("bhwc,bhwd->cd", padded[window], dy)
    (top, _), (left, _) = padding
    return y, dx[:, top : top + x.shape[1], left : left + x.shape[2]], dkernel


@pytest.mark.parametrize(
    ("kernel", "strides", "padding", "dilation"),
    [
        pytest.param((3, 3), (3, 3), ((1, 1), (1, 1)), (1, 1), id="stride 3"),
        pytest.param((4, 4), (4, 4), ((0, 0), (0, 0)), (1, 1), id="stride 4, patches"),
        pytest.param((11, 11), (4, 4), ((2, 2), (2, 2)), (1, 1), id="stride 4, AlexNet's stem"),
        pytest.param((2, 2), (1, 1), ((0, 1), (1, 0)), (1, 1), id="even kernel"),
        pytest.param((4, 2), (2, 2), ((1, 2), (0, 1)), (1, 1), id="even kernel, unequal sides"),
        pytest.param((3, 3), (1, 2), ((1, 1), (1, 1)), (1, 1), id="unequal strides"),
        pytest.param((5, 3), (3, 1), ((2, 2), (1, 1)), (1, 1), id="unequal strides and sides"),
        pytest.param((1, 1), (2, 3), ((0, 0), (0, 0)), (1, 1), id="one pixel, unequal strides"),
        pytest.param((1, 1), (2, 2), ((1, 0), (0, 2)), (1, 1), id="one pixel, padded"),
        pytest.param((3, 3), (1, 1), ((0, 3), (2, 1)), (1, 1), id="asymmetric padding"),
        pytest.param((3, 3), (2, 2), ((0, 1), (3, 0)), (1, 1), id="asymmetric padding, stride 2"),
        pytest.param((3, 3), (1, 1), ((3, 3), (3, 3)), (3, 3), id="dilation 3"),
        pytest.param((3, 2), (2, 1), ((3, 1), (0, 2)), (3, 2), id="dilation, all else unequal"),
    ],
)
@pytest.mark.parametrize(("channels", "features"), [(3, 4), (16, 8)])
def test_every_shape_is_the_definitions(kernel, strides, padding, dilation, channels, features):
    x, k = arrays(9, (2, 12, 13, channels), (*kernel, channels, features))
    found = value_and_gradients(conv.conv_general_dilated, x, k, strides, padding, dilation)
    assert_close(found, exact(x, k, strides, padding, dilation))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(
    ("down", "right", "side"),
    [(2, 2, 8), (2, 2, 9), (1, 2, 8), (2, 1, 8), (3, 3, 9), (2, 3, 8)],
)
def test_one_pixel_kernels_of_few_channels_are_right_at_every_stride(down, right, side, channels):
    # oneDNN's own gradient of these is wrong or waits for ever on CPUs without AVX-512.
    x, k = arrays(0, (6, side, side, channels), (1, 1, channels, 16))
    how = ((down, right), ((0, 0), (0, 0)))
    found = value_and_gradients(conv.conv_general_dilated, x, k, *how)
    assert_close(found, exact(x, k, *how, (1, 1)))


@settings(max_examples=10, deadline=None)
@given(
    dtype=st.sampled_from(list(TOLERANCES)),
    batch=st.sampled_from([0, 1, 3]),
    side=st.sampled_from([4, 5, 8]),
    channels=st.sampled_from([2, 8, 24]),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2]),
    padding=st.sampled_from(PADDINGS),
    per_group=st.sampled_from([1, 2]),
)
def test_groups_equal_xla(dtype, batch, side, channels, kernel, stride, padding, per_group):
    groups = channels // per_group  # depthwise where per_group is 1
    x, k = arrays(6, (batch, side, side + 1, channels), (kernel, kernel, per_group, channels))
    assert_equals_xla(x, k, dtype, (stride, stride), padding, (1, 1), groups)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(
    ("lhs", "kernel", "padding"),
    [
        pytest.param((0, 6, 7, 4), 3, ((1, 1), (1, 1)), id="no images"),
        pytest.param((2, 6, 7, 4), 3, ((-1, 1), (0, -2)), id="padding that cuts off"),
        pytest.param((2, 3, 4, 4), 5, ((0, 0), (0, 0)), id="a kernel larger than the image"),
    ],
)
def test_what_is_out_of_the_ordinary_is_xlas(lhs, kernel, padding, groups):
    x, k = arrays(7, lhs, (kernel, kernel, 4 // groups, 4))
    assert_equals_xla(x, k, "float32", (1, 1), padding, (1, 1), groups)


def test_channels_that_do_not_fit_are_refused_as_by_xla():
    x, k = arrays(8, (2, 6, 6, 3), (3, 3, 4, 5))
    with pytest.raises(ValueError, match="feature dimension"):
        conv.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=conv.LAYOUT)


WINOGRAD = ((4, 8, 6, 16), (3, 3, 16, 32))


def test_the_winograd_case_is_taken_and_equals_xla():
    x, k = arrays(1, *WINOGRAD)
    assert winograd.suits(x.shape, k.shape, (1, 1), ((1, 1), (1, 1)))
    assert_close(
        value_and_gradients(conv.conv_general_dilated, x, k, (1, 1), "SAME"),
        value_and_gradients(jax.lax.conv_general_dilated, x, k, (1, 1), "SAME"),
    )


def test_chunks_change_nothing(monkeypatch):
    x, k = arrays(2, (6, 8, 8, 16), (3, 3, 16, 16))
    whole = value_and_gradients(conv.conv_general_dilated, x, k, (1, 1), "SAME")
    monkeypatch.setattr(geometry, "CHUNK_BYTES", 1)
    single = value_and_gradients(conv.conv_general_dilated, x, k, (1, 1), "SAME")
    assert_close(single, whole)


@pytest.mark.parametrize("dilation", [(2, 2)])
def test_what_is_not_covered_goes_to_xla(dilation):
    x, k = arrays(3, *WINOGRAD)
    assert_close(
        value_and_gradients(conv.conv_general_dilated, x, k, (1, 1), "SAME", dilation),
        value_and_gradients(jax.lax.conv_general_dilated, x, k, (1, 1), "SAME", dilation),
    )


@settings(max_examples=10, deadline=None)
@given(
    dtype=st.sampled_from(["float32", "bfloat16"]),
    wrap=st.sampled_from(["vmap", "remat", "scan", "pmap"]),
    side=st.sampled_from([6, 7]),
    kernel=st.sampled_from([1, 3]),
    stride=st.sampled_from([1, 2]),
    groups=st.sampled_from([1, 16]),
)
def test_gradients_survive_transformations(dtype, wrap, side, kernel, stride, groups):
    rng = np.random.default_rng(4)
    x = jnp.asarray(rng.normal(size=(2, 2, side, side, 16)), dtype)
    k = jnp.asarray(rng.normal(size=(kernel, kernel, 16 // groups, 16)) / 12, dtype)

    def loss(function, k, x):
        y = function(
            x, k, (stride, stride), ((kernel // 2,) * 2,) * 2, dimension_numbers=conv.LAYOUT,
            feature_group_count=groups,
        )  # fmt: skip
        return jnp.sum(jnp.square(y.astype(jnp.float32)))

    ours = functools.partial(loss, conv.conv_general_dilated)
    both = (0, 1)
    theirs = jax.grad(lambda k, x: sum(loss(jax.lax.conv_general_dilated, k, v) for v in x), both)(
        k.astype(jnp.float32), x.astype(jnp.float32)
    )
    if wrap == "vmap":
        found = jax.grad(lambda k, x: jax.vmap(ours, (None, 0))(k, x).sum(), both)(k, x)
    elif wrap == "remat":
        found = jax.grad(lambda k, x: sum(jax.checkpoint(ours)(k, v) for v in x), both)(k, x)
    elif wrap == "scan":

        def add(k, x):
            return jax.lax.scan(lambda t, v: (t + ours(k, v), None), 0.0, x)[0]

        found = jax.grad(add, both)(k, x)
    else:
        of_k, of_x = jax.pmap(jax.grad(ours, both), in_axes=(None, 0))(k, x)
        found = of_k.sum(0), of_x
    assert {v.dtype for v in found} == {jnp.dtype(dtype)}
    assert_close(found, theirs, TOLERANCES[dtype])


def test_a_module_takes_it_without_change():
    x = arrays(5, (2, 8, 8, 16), (1, 1, 1, 1))[0]
    plain = nn.Conv(16, (3, 3))
    ours = nn.Conv(16, (3, 3), conv_general_dilated=conv.conv_general_dilated)
    variables = plain.init(jax.random.key(0), x)
    np.testing.assert_allclose(ours.apply(variables, x), plain.apply(variables, x), atol=1e-5)
