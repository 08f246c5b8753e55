import functools

import numpy as np
import pytest

from synthmed_jax.audit import copy_search, identity_net
from synthmed_jax.results.memorisation import ALIGNED
from tests.audit.memorisation_test import FIT, image_set


@pytest.fixture
def quick(monkeypatch):
    short = functools.partial(identity_net.train, steps=20)
    monkeypatch.setattr(copy_search.identity_net, "train", short)


def test_no_threshold_comes_from_twins(quick):
    images = np.concatenate([FIT.images[:70], FIT.images[:10], FIT.images[80:], FIT.images[70:80]])
    calibrated = copy_search.calibrate(images, "none", 0)
    assert calibrated.num_left_out == 20
    assert calibrated.different[ALIGNED].max() < 0.9
    assert len(calibrated.different[ALIGNED]) == len(images) - 20


def test_tiny_images_can_not_be_searched():
    tiny = image_set(FIT.images[:, :8, :8], "fit")
    assert "8 pixels have too few details" in copy_search.why_not(tiny)
    assert not copy_search.why_not(FIT)


def test_images_that_are_all_alike_can_not_be_searched(quick):
    alike = image_set(np.concatenate([FIT.images[:60], FIT.images[:60]]), "fit")
    assert copy_search.calibrate(alike.images, "none", 0) is None
    assert "thresholds from: fewer than 2 of 120" in copy_search.prepare(alike, "none", 0)


def test_too_few_different_images_are_counted(quick):
    images = image_set(np.concatenate([FIT.images[:90], FIT.images[:30]]), "fit")
    assert "60 of 120 fit images have no twin" in copy_search.prepare(images, "none", 0)
