import numpy as np
import pytest

from synthmed_jax.audit.difference_map import subtract, sum_up


def images(n, seed, channels=1):
    made = np.random.default_rng(seed).normal(120, 20, (n, 16, 16, channels))
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def between(first, second):
    return subtract(sum_up(first), sum_up(second))


def test_means_and_variances_are_numpys():
    made = images(300, 0, channels=3)
    found = sum_up(made)
    np.testing.assert_allclose(found.mean, made.mean(axis=0))
    np.testing.assert_allclose(found.variance, made.astype(float).var(axis=0))
    np.testing.assert_allclose(
        found.ring_means[:, -1], made[:, 7:9, 7:9].mean(axis=(1, 2, 3)), atol=0.5
    )
    assert found.ring_spreads.shape == (300, 8)


@pytest.mark.parametrize("ring", [0, 3])
def test_a_brighter_ring_is_found(ring):
    synthetic = images(200, 1)
    inside = slice(ring, 16 - ring)
    framed = np.zeros((16, 16), bool)
    framed[inside, inside] = True
    framed[ring + 1 : 15 - ring, ring + 1 : 15 - ring] = False
    synthetic[:, framed] += 10
    found = between(synthetic, images(200, 0))
    assert (found.place.ring, found.place.ring_by) == (ring, "mean")
    assert found.place.of_ring > 2
    assert framed[found.place.row, found.place.column]
    assert found.place.of_pixel == pytest.approx(0.5, abs=0.4)  # 10 levels of 20
    np.testing.assert_allclose(found.of_means[framed], 10, atol=8)


def test_noise_in_a_ring_of_the_right_level_is_found():
    real, synthetic = images(100, 0), images(100, 1)
    real[:, 0] = real[:, -1] = real[:, :, 0] = real[:, :, -1] = 120
    found = between(synthetic, real).place
    assert (found.ring, found.ring_by) == (0, "spread")
    assert found.of_ring > 2


def test_a_frequency_is_found():
    real, synthetic = images(100, 0), images(100, 1).astype(float)
    synthetic += 15 * np.cos(2 * np.pi * 5 * np.arange(16) / 16)[None, None, :, None]
    found = between(np.clip(synthetic, 0, 255).astype(np.uint8), real)
    assert found.place.cycles == 5
    assert found.place.of_cycles > 2


def test_equal_sets_differ_nowhere_and_constant_pixels_are_no_trouble():
    same = np.zeros((10, 16, 16, 1), np.uint8)
    found = between(same, same)
    assert found.place.of_ring == found.place.of_cycles == found.place.of_pixel == 0
    brighter = between(same + 1, same).place
    assert brighter.of_pixel == pytest.approx(12**0.5)
