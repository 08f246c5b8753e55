"""When a network's probabilities are calibrated, and when that would claim too much."""

import types

import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.stages.networks import BY_NAME, TrainedNetwork
from synthmed_jax.statistics import calibration

ANSWERS = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]], np.float32)


def network_of(labels):
    """A network that gives ANSWERS to `val`, whose true classes these are."""
    n = len(labels)
    val = ImageSet(
        np.zeros((n, 4, 4, 1), np.uint8), np.asarray(labels, np.int32), ("x",) * n, ("a", "b")
    )
    run = types.SimpleNamespace(
        inputs=types.SimpleNamespace(
            parts=types.SimpleNamespace(val=val),
            class_names=("a", "b"),
            at_network_size=lambda images: images,
        ),
        settings=types.SimpleNamespace(classifier=types.SimpleNamespace(image_size=4)),
        compiled=types.SimpleNamespace(
            programs_of=lambda backbone: types.SimpleNamespace(
                predict=lambda variables, images: ANSWERS[: len(images)]
            )
        ),
    )
    network = TrainedNetwork(run, BestNetwork("net", "real", None, 0.0, 0, 0, BY_NAME))
    vars(network)["_variables"] = None  # nothing to read
    return network


@pytest.mark.parametrize(
    ("labels", "is_calibrated"),
    [([0, 1, 1, 1], True), ([], False), ([0, 1, 0, 1], False)],  # the last: all are right
)
def test_it_is_calibrated_where_val_sets_a_limit(labels, is_calibrated):
    network = network_of(labels)
    answers = network.probabilities(np.zeros((4, 4, 4, 1), np.uint8))
    assert answers.dtype == np.float64
    if not is_calibrated:
        assert network.temperature is None
        np.testing.assert_array_equal(answers, ANSWERS.astype(np.float64))
        return
    assert network.temperature == calibration.fit_temperature(ANSWERS, np.array(labels))
    expected = calibration.at_temperature(ANSWERS, network.temperature)
    np.testing.assert_array_equal(answers, expected)


def test_no_image_has_no_answer():
    assert network_of([0]).probabilities(np.zeros((0, 4, 4, 1), np.uint8)).shape == (0, 2)
