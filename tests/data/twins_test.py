import numpy as np

from synthmed_jax.data.twins import are_among, first_twins


def test_twins_are_equal_in_every_pixel():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)
    images[3] = images[1]
    images[5] = images[1]
    images[4] = images[0]
    images[4, 3, 3, 2] ^= 1  # the last bit of one value
    assert first_twins(images).tolist() == [0, 1, 2, 1, 4, 1]


def test_no_images_have_no_twins():
    assert first_twins(np.zeros((0, 4, 4, 1), np.uint8)).tolist() == []


def test_twins_among_others_are_found():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), np.uint8)
    others = images[[2, 2, 0]].copy()
    others[2, 3, 3, 0] ^= 1
    assert are_among(images, others).tolist() == [False, False, True]
    assert are_among(images, others[:0]).tolist() == [False] * 3
