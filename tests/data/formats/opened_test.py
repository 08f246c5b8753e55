import numpy as np
import pytest

from synthmed_jax.data.formats import opened


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("u1", "8-bit"),
        ("i1", "8-bit signed"),
        (">u2", "16-bit"),
        ("i4", "32-bit signed"),
        ("u8", "64-bit"),
        ("f2", "float"),
        ("f8", "float"),
    ],
)
def test_types_have_names(dtype, name):
    assert opened.kind_of(np.dtype(dtype)) == opened.Kind(name)
    assert opened.kind_of(np.dtype(dtype), inverted=True) == opened.Kind(name, inverted=True)


@pytest.mark.parametrize("dtype", ["c8", "O", "U3", "M8[s]"])
def test_what_is_no_real_number_is_refused(dtype):
    with pytest.raises(opened.DecodeError, match="no grey levels"):
        opened.kind_of(np.dtype(dtype))


def test_a_size_is_allowed_up_to_the_limit():
    opened.check_size(9500, 9500, 9500 * 9500)
    message = (
        "^9500 x 9500 pixels, more than data.max_pixels=89478485: raise it with "
        "--config.data.max_pixels=90250000$"
    )
    with pytest.raises(opened.DecodeError, match=message):
        opened.check_size(9500, 9500, 89478485)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, -1)])
def test_an_image_has_pixels(size):
    with pytest.raises(opened.DecodeError, match=f"^{size[0]} x {size[1]} pixels: damaged"):
        opened.check_size(*size, 100)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="a system without such numbers")
def test_numbers_of_more_than_64_bits_are_refused():
    with pytest.raises(opened.DecodeError, match="more than 64 bits each: save them as float64"):
        opened.kind_of(np.dtype(np.longdouble))


def test_numbers_that_no_scale_holds_are_refused():
    opened.check_finite(np.array([3e38, -3e38]))
    opened.check_finite(np.array([]))
    for value in (np.nan, -np.inf, -1e39):
        with pytest.raises(opened.DecodeError, match="floating-point image with values"):
            opened.check_finite(np.array([0.0, value]))
