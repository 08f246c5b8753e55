import numpy as np

from synthmed_jax.audit.planted_copies import ZOOM, plant


def test_ten_changes_are_planted_and_one_of_them_is_none():
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 1)).astype(np.uint8)
    copies = plant(images, 0)
    assert len(copies) == 10
    assert (copies["unchanged"] == images).all()
    assert all((each != images).any() for how, each in copies.items() if how != "unchanged")


def test_the_enlarged_copy_is_enlarged_about_the_centre():
    images = np.zeros((1, 35, 35, 1), np.uint8)
    images[0, 17, 17], images[0, 17, 0:2] = 255, 200
    enlarged = plant(images, 0)[ZOOM]
    assert enlarged[0, 17, 17] == 255
    # 17 / 1.06 = 16.04 from the centre is now at the edge.
    assert abs(int(enlarged[0, 17, 0, 0]) - 200) < 20
    assert enlarged[0, 17, 2, 0] == 0
