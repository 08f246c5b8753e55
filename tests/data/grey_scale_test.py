import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from synthmed_jax.data import grey_scale
from synthmed_jax.data.formats.opened import Kind
from synthmed_jax.data.grey_scale import Histogram, Window, decide, to_eight_bits

FLOATS = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
VALUES = numpy_st.arrays(np.float32, st.integers(1, 200), elements=FLOATS)


def histogram(*images: np.ndarray) -> Histogram:
    counted = Histogram()
    for image in images:
        counted.add(image)
    return counted


def window(kind: str, *images: np.ndarray) -> tuple[float, float]:
    decided = decide(Kind(kind), histogram(*images))
    return decided.low, decided.high


def phantom(seed: int, top: float = 1.0) -> np.ndarray:
    """f64[48,48]: air at 0 around an oval of tissue whose brightest pixel is `top`."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:48, :48] - 24) / 24
    tissue = 0.5 + 0.2 * np.sin(6 * x + rng.uniform(0, 6)) + rng.normal(0, 0.015, x.shape)
    picture = np.where(x**2 / 0.6 + y**2 / 0.8 < 1, tissue, 0)
    return picture / picture.max() * top


@given(VALUES, st.floats(0, 100))
def test_a_percentile_is_as_precise_as_promised(values, q):
    counted = histogram(values)
    exact = float(np.percentile(values, q, method="inverted_cdf"))
    assert abs(counted.percentile(q) - exact) <= abs(exact) / 128
    assert (counted.count, counted.minimum, counted.maximum) == (
        values.size,
        values.min(),
        values.max(),
    )


@given(st.lists(VALUES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(images, random):
    shuffled = random.sample(images, len(images))
    assert decide(Kind("float"), histogram(*images)) == decide(Kind("float"), histogram(*shuffled))


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_histograms_of_files_add_up_to_that_of_all(images):
    together = Histogram()
    for image in images:
        together.add_all(histogram(image))
    together.add_all(Histogram())
    whole = histogram(*images)
    assert vars(together).keys() == vars(whole).keys()
    for name, value in vars(whole).items():
        np.testing.assert_array_equal(vars(together)[name], value)


@given(VALUES, st.sampled_from(["float", "16-bit", "16-bit signed", "DICOM CT", "NIfTI"]))
def test_a_window_holds_the_bulk(values, kind):
    low, high = window(kind, values)
    assert low < high
    # Up to 0.1 % at each end may be clipped: of 200 values none but for the histogram's precision.
    slack = np.abs(values) / 128 + 1e-9
    if values.min() < values.max():
        assert (values >= low - slack).all()
        reach = 0.02 * 255 if kind == "float" else 0
        assert (values <= high + slack + reach).all()


@given(VALUES, FLOATS, st.floats(1e-3, 1e6))
def test_brighter_values_never_become_darker(values, low, width):
    ordered = np.sort(values)
    decided = Window(low, low + width, "")
    levels = to_eight_bits(ordered, decided, inverted=False).astype(int)
    assert (np.diff(levels) >= 0).all()
    inverted = to_eight_bits(ordered, decided, inverted=True)
    np.testing.assert_array_equal(inverted, 255 - levels)


def test_sixteen_bits_in_the_full_window_are_divided_by_257_and_rounded():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    levels = to_eight_bits(values, Window(0, 65535, ""), inverted=False)
    np.testing.assert_array_equal(levels, (values.astype(np.uint32) + 128) // 257)


def test_the_same_hounsfield_unit_is_the_same_grey_in_every_slice():
    slices = []
    for seed in range(24):
        tissue = phantom(seed)
        units = np.where(tissue > 0.05, tissue * 400, -1000)
        if seed % 3 == 0:
            units = units.clip(0)  # cut to soft tissue
        if seed % 3 == 1:
            units[0, 0] = 3071  # metal
        slices.append(np.rint(units).astype(np.int16))
    decided = decide(Kind("16-bit signed"), histogram(*slices))
    assert decided.low == -1000
    assert decided.high == pytest.approx(400, rel=0.1)
    assert decided.why.endswith("; outliers up to 3071 are clipped")
    greys = [to_eight_bits(units, decided, False)[units == 200] for units in slices]
    together = np.concatenate(greys)
    assert together.size > 20
    assert set(together.tolist()) == {together[0]}
    assert 200 < together[0] < 230


@pytest.mark.parametrize(
    ("kind", "tops", "expected"),
    [
        ("16-bit", [65535, 50000], (0, 65535)),  # the whole range, as cameras have it
        ("16-bit", [4095, 3000, 3500], (0, 4095)),  # 12 bits in 16
        ("16-bit", [9000, 7000], (0, 9000)),  # MRI
        ("16-bit", [255, 250], (0, 255)),  # 8 bits in 16
        ("16-bit", [1500, 1200], (0, 1500)),  # 12 bits, but dark
        ("float", [1.0, 0.9, 1.0003], (0, 1)),  # interpolation overstepped once
        ("float", [0.9, 0.8], (0, 1)),
        ("float", [0.3, 0.2], (0, 0.3)),
        ("float", [255, 240], (0, 255)),
        ("float", [4095, 3000], (0, 4095)),
        ("DICOM MR", [3000, 2100], (0, 3000)),  # its values have no usual top
        ("NIfTI", [0.9, 0.8], (0, 0.9)),
    ],
)
def test_ranges(kind, tops, expected):
    dtype = np.float64 if kind in ("float", "NIfTI") else np.uint16
    images = [phantom(seed, top).astype(dtype) for seed, top in enumerate(tops)]
    assert window(kind, *images) == pytest.approx(expected)


def test_a_burned_in_mark_does_not_darken_the_others():
    images = [np.rint(phantom(seed, 4095)).astype(np.uint16) for seed in range(24)]
    images[0][:4, :8] = 65535
    decided = decide(Kind("16-bit"), histogram(*images))
    assert (decided.low, decided.high) == (0, 4095)
    assert decided.why.endswith("; outliers up to 65535 are clipped")
    assert to_eight_bits(images[1], decided, False).max() == 255


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2034, 13590, (0, 13590)),  # an MRI whose air is noise
        (900, 1100, (900, 1100)),  # a narrow range far from 0 is spread
        (-50, 60, (-50, 60)),
    ],
)
def test_where_a_range_starts(low, high, expected):
    values = np.linspace(low, high, 1000)
    assert window("NIfTI", values) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0, -3, 1e20, 4095])
def test_constant_images_are_black(value):
    flat = np.full((4, 4), value, np.float64)
    decided = decide(Kind("float"), histogram(flat))
    assert to_eight_bits(flat, decided, inverted=False).max() == 0
    assert decided.why == f"every value is {value:.6g}"


def test_few_bright_pixels_on_black_are_the_picture():
    values = np.zeros((1, 10000), np.uint16)
    values[0, :5] = [100, 200, 300, 400, 500]
    assert window("16-bit", values) == (0, 500)


@settings(max_examples=20)
@given(st.sampled_from([np.float64, np.int64, np.uint32, np.float16, np.dtype(">i2")]))
def test_every_type_is_counted(dtype):
    values = np.array([[1, 2, 3, 100]]).astype(dtype)
    counted = histogram(values)
    assert [counted.percentile(q) for q in (0, 25, 50, 75, 100)] == [1, 1, 2, 3, 100]


def test_values_beyond_float32_do_not_break_it():
    counted = histogram(np.array([-1e300, 0, 1e300]))
    assert counted.maximum == 1e300
    assert counted.percentile(50) == 0


def test_an_empty_histogram_decides_nothing():
    with pytest.raises(ValueError, match="no values"):
        decide(Kind("float"), histogram(np.zeros((0, 4))))


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Kind("16-bit", inverted=True), (36850, 65535), (0, 65535)),
        (Kind("16-bit", inverted=True), (0, 4000), (0, 4095)),
        (Kind("16-bit signed", inverted=True), (-10, 40), (-32768, 32767)),
        (Kind("8-bit signed", inverted=True), (-10, 40), (-128, 127)),
        (Kind("32-bit", inverted=True), (0, 3e9), (0, 3e9)),
        (Kind("float", inverted=True), (0.1, 1.01), (0, 1)),
        (Kind("float", inverted=True), (0, 250), (0, 255)),
        (Kind("DICOM DX", inverted=True), (5, 900), (5, 900)),
    ],
)
def test_between_which_values_files_are_turned_over(kind, values, expected):
    assert grey_scale.ends(kind, histogram(np.array(values))) == expected


def test_turned_values_do_not_wrap_and_turn_back():
    values = np.array([[0, 1, 65535]], np.uint16)
    turned = grey_scale.turn(values, (0, 65535))
    np.testing.assert_array_equal(turned, [[65535, 65534, 0]])
    np.testing.assert_array_equal(grey_scale.turn(turned, (0, 65535)), values)
    np.testing.assert_array_equal(grey_scale.turn(np.array([[-5]], np.int16), (-8, 7)), [[4]])
