import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import memorisation
from synthmed_jax.results.fidelity import BitsPerDimension, NearestImage


def _random(count, size=8, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, size, size, channels), dtype=np.uint8)


def _variants(image, flips):
    turned = [image]
    if flips != "none":
        turned.append(image[:, ::-1])
    if flips == "dihedral":
        turned = [np.rot90(one, turns) for one in turned for turns in range(4)]
    return [one.astype(np.float64) for one in turned]


@pytest.mark.parametrize("flips", list(memorisation.SYMMETRIES))
@pytest.mark.parametrize("tile", [(1, 192), (4, 50), (1024, 4096)])
def test_equals_brute_force_in_any_tiles(monkeypatch, flips, tile):
    monkeypatch.setattr(memorisation, "_IMAGES", tile[0])
    monkeypatch.setattr(memorisation, "_PIXELS", tile[1])
    queries, references = _random(7), _random(11, seed=1)
    index, distance = memorisation.nearest(queries, references, flips)
    expected = np.array(
        [
            [
                min(np.sqrt(np.mean((v - query) ** 2)) / 255 for v in _variants(reference, flips))
                for reference in references
            ]
            for query in queries
        ]
    )
    np.testing.assert_array_equal(index, expected.argmin(axis=1))
    np.testing.assert_allclose(distance, expected.min(axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("turn", "found_under"),
    [
        (lambda x: x, {"none", "horizontal", "dihedral"}),
        (lambda x: x[:, :, ::-1], {"horizontal", "dihedral"}),
        (lambda x: x[:, ::-1], {"dihedral"}),
        (lambda x: np.rot90(x, 1, axes=(1, 2)), {"dihedral"}),
        (lambda x: np.rot90(x[:, :, ::-1], 3, axes=(1, 2)), {"dihedral"}),
    ],
)
def test_a_copy_has_distance_zero_under_the_symmetries_allowed(turn, found_under):
    references = _random(6, channels=1)
    for flips in memorisation.SYMMETRIES:
        index, distance = memorisation.nearest(turn(references), references, flips)
        if flips in found_under:
            np.testing.assert_array_equal(index, np.arange(6))
            np.testing.assert_array_equal(distance, 0)
        else:
            assert (distance > 0.1).all()


def test_black_and_white_are_one_apart_and_ties_go_to_the_first():
    black, white = np.zeros((1, 4, 4, 1), np.uint8), np.full((3, 4, 4, 1), 255, np.uint8)
    index, distance = memorisation.nearest(black, white, "dihedral")
    assert (index[0], distance[0]) == (0, 1.0)


@pytest.mark.parametrize(
    ("queries", "references", "flips", "message"),
    [
        (_random(2), _random(2), "vertical", "horizontal"),
        (_random(2), _random(0), "none", "compare"),
        (_random(2), _random(2, size=4), "none", "compare"),
        (_random(2).astype(np.float32), _random(2), "none", "uint8"),
    ],
)
def test_refuses_what_it_cannot_compare(queries, references, flips, message):
    with pytest.raises(ValueError, match=message):
        memorisation.nearest(queries, references, flips)


def _image_set(images, prefix):
    files = tuple(f"{prefix}/{i}.png" for i in range(len(images)))
    return ImageSet(images, np.zeros(len(images), np.int32), files, ("a",))


def test_fidelity_tells_a_copying_generator():
    fit, val = _random(10), _random(9, seed=1)
    copies = fit[[3, 3, 7]][:, :, ::-1]
    bits = {"all": BitsPerDimension(3.0, 0.1, 2.4, 0.5, None, 1)}
    fidelity = memorisation.measure_fidelity(
        _image_set(copies, "synthetic"),
        _image_set(val, "val"),
        _image_set(fit, "fit"),
        "horizontal",
        bits,
    )
    assert (fidelity.num_fit, fidelity.num_val, fidelity.num_synthetic) == (10, 9, 3)
    assert fidelity.median_synthetic == fidelity.ratio == 0
    expected = np.median(memorisation.nearest(val, fit, "horizontal")[1])
    assert fidelity.median_val == expected > 0.3
    assert fidelity.synthetic[2] == NearestImage("synthetic/2.png", "fit/7.png", 0.0)
    assert fidelity.bits_per_dimension == bits
    numbers = (fidelity.median_synthetic, fidelity.median_val, fidelity.synthetic[0].distance)
    assert {type(number) for number in numbers} == {float}  # none is numpy's


def test_fidelity_without_val_has_no_ratio():
    fit, empty = _image_set(_random(3), "fit"), _image_set(_random(0), "val")
    synthetic = _image_set(_random(2, seed=2), "synthetic")
    fidelity = memorisation.measure_fidelity(synthetic, empty, fit, "none", {})
    assert fidelity.median_val is None
    assert fidelity.ratio is None


def test_nearness_is_the_ratio_of_medians():
    def shaded(*levels):
        images = np.stack([np.full((2, 2, 1), level, np.uint8) for level in levels])
        files = tuple(str(level) for level in levels)
        return ImageSet(images, np.zeros(len(levels), np.int32), files, ("a",))

    fit, val = shaded(0, 100), shaded(10, 20, 120)
    nearness = memorisation.nearness_to(fit, val, "none")
    assert nearness(shaded(5, 110, 94).images) == pytest.approx(6 / 20)
    copies = memorisation.nearness_to(fit, shaded(0, 100), "none")
    assert copies(val.images) is None
