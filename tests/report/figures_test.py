import numpy as np

from synthmed_jax.report import figures
from synthmed_jax.report.pairs import closest_pairs, make_pairs


def pixels(axes):
    return np.asarray(axes.images[0].get_array())


def test_the_grid_has_real_images_on_the_left_and_synthetic_ones_on_the_right(reported):
    figure = figures.sample_grid(reported.fit, reported.synthetic, 2)
    grid = np.array(figure.axes).reshape(3, 5)
    for row, label in enumerate((0, 1, 2)):
        fit, synthetic = 4 * label, 7 * label
        np.testing.assert_array_equal(pixels(grid[row, 0]), reported.fit.images[fit])
        np.testing.assert_array_equal(pixels(grid[row, 1]), reported.fit.images[fit + 3])
        np.testing.assert_array_equal(pixels(grid[row, 3]), reported.synthetic.images[synthetic])
        np.testing.assert_array_equal(
            pixels(grid[row, 4]), reported.synthetic.images[synthetic + 6]
        )
        assert not grid[row, 2].images
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["Benign", "Early", "Pre"]
    titles = [axes.get_title() for axes in grid[0]]
    assert titles == ["", "real (fit)", "", "", "synthetic"]


def test_a_class_with_few_images_leaves_places_empty(reported):
    figure = figures.sample_grid(reported.fit, reported.synthetic, 5)
    grid = np.array(figure.axes).reshape(3, 11)
    assert [bool(axes.images) for axes in grid[0, :5]] == [True] * 4 + [False]
    assert not grid[0, 4].axison


def test_grey_images_are_drawn_grey(hostile):
    figure = figures.sample_grid(hostile.fit, hostile.synthetic, 1)
    image = figure.axes[0].images[0]
    assert image.get_array().ndim == 2
    assert image.get_cmap().name == "gray"
    assert image.get_clim() == (0, 255)


def test_a_pair_is_the_synthetic_image_above_its_nearest(reported, contents):
    made = make_pairs(contents.fidelity, reported.fit, reported.synthetic)
    pairs = closest_pairs(made, 9)
    grid = np.array(figures.pairs_grid(pairs, 8).axes).reshape(4, 8)
    for i, pair in enumerate(pairs):
        top, bottom = grid[2 * (i // 8), i % 8], grid[2 * (i // 8) + 1, i % 8]
        np.testing.assert_array_equal(pixels(top), pair.synthetic)
        np.testing.assert_array_equal(pixels(bottom), pair.nearest)
        assert top.get_title() == pair.label
    assert grid[1, 0].get_xlabel() == "0.05"
    # The fifth nearest image is of another class than the synthetic one above it.
    assert (grid[0, 4].get_title(), grid[1, 4].get_xlabel()) == ("Benign", "0.058\n(Early)")
    assert not grid[2, 1].images
