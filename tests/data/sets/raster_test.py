import numpy as np
import pytest

from synthmed_jax.data.sets import raster


def _grid(fine):
    axis = raster.grid_axis(fine)
    return np.broadcast_to(axis[None, :], (fine, fine)), np.broadcast_to(
        axis[:, None], (fine, fine)
    )


def test_blob_covers_its_ellipse_and_turns_clockwise():
    u, v = _grid(256)
    cover = raster.blob(u, v, (0.1, -0.2), (0.5, 0.2), turn=0.6)
    assert cover.dtype == np.float32
    np.testing.assert_allclose(cover.mean() * 4, np.pi * 0.5 * 0.2, rtol=0.01)
    np.testing.assert_allclose(
        [(cover * u).sum(), (cover * v).sum()] / cover.sum(), (0.1, -0.2), atol=1e-3
    )
    # Along the long axis, 0.6 rad below the horizontal (v points down), inside; above it, outside.
    end = np.array([0.4 * np.cos(0.6), 0.4 * np.sin(0.6)])
    for sign, inside in ((1, 1.0), (-1, 0.0)):
        column, row = ((np.array([0.1 + end[0], -0.2 + sign * end[1]]) + 1) * 128).astype(int)
        assert cover[row, column] == inside


def test_quadratic_is_one_on_the_edge():
    u, v = np.float32([[0.3, 0.0]]), np.float32([[0.0, 0.1]])
    np.testing.assert_allclose(raster.quadratic(u, v, (0.0, 0.0), (0.3, 0.1), 0.0), 1, rtol=1e-6)


@pytest.mark.parametrize("knots", [4, 12, 26])
def test_field_has_unit_variance_everywhere_and_the_same_shape_at_every_size(knots):
    fields = np.stack([raster.field(np.random.default_rng(i), 32, knots) for i in range(400)])
    np.testing.assert_allclose(fields.std(axis=0), 1, atol=0.2)
    np.testing.assert_allclose(fields.std(), 1, atol=0.05)
    large = raster.field(np.random.default_rng(0), 128, knots)
    np.testing.assert_allclose(raster.area_average(large, 4), fields[0], atol=0.35)
    assert large.dtype == np.float32


def test_area_average_is_the_mean_of_blocks():
    fine = np.arange(36, dtype=np.float32).reshape(6, 6)
    expected = [[fine[r : r + 3, c : c + 3].mean() for c in (0, 3)] for r in (0, 3)]
    np.testing.assert_allclose(raster.area_average(fine, 3), expected)


def test_paint_blends_in_place():
    canvas = np.zeros((2, 2), np.float32)
    raster.paint(canvas, np.full((2, 2), 0.25, np.float32), 0.8)
    np.testing.assert_allclose(canvas, 0.2, rtol=1e-6)
