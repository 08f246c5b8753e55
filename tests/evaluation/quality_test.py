import numpy as np
import pytest

from synthmed_jax.evaluation.quality import measure_quality

NAMES = ("a", "b")
EVEN = np.array([0.5, 0.5])


def quality(probabilities, labels, on_val=None, val_labels=(), trained=EVEN, expected=EVEN):
    return measure_quality(
        np.asarray(probabilities, np.float32), np.asarray(labels), NAMES, on_val,
        np.asarray(val_labels, int), trained, expected,
    )  # fmt: skip


def of(*second):
    """Probabilities of one network, by that of class b."""
    return [[1 - p, p] for p in second]


def test_numbers_are_means_over_networks():
    good, bad = of(0.1, 0.2, 0.9, 0.8), of(0.6, 0.2, 0.9, 0.4)
    found = quality([good, bad], [0, 0, 1, 1])
    assert found.recalls == {"a": 0.75, "b": 0.75}
    assert found.auroc == pytest.approx((1 + 0.75) / 2)
    briers = [2 * np.mean([0.01, 0.04, 0.01, 0.04]), 2 * np.mean([0.36, 0.04, 0.01, 0.36])]
    assert found.brier == pytest.approx(np.mean(briers))
    assert found.tempered is None


def test_an_ensemble_may_be_better_than_its_networks():
    one, other = of(0.1, 0.6, 0.9, 0.8), of(0.6, 0.1, 0.9, 0.8)
    ensemble = quality([one, other], [0, 0, 1, 1]).ensemble
    assert (ensemble.accuracy, ensemble.balanced_accuracy, ensemble.f1) == (1, 1, 1)
    assert ensemble.brier == pytest.approx(2 * np.mean([0.35**2, 0.35**2, 0.01, 0.04]))
    assert quality([one], [0, 0, 1, 1]).ensemble is None


def test_a_prior_decides_the_unsure_images():
    unsure = of(0.45, 0.45, 0.45, 0.9)
    labels = [1, 1, 1, 1]
    assert quality([unsure], labels).prior_corrected_accuracy == 0.25
    moved = quality([unsure], labels, expected=np.array([0.2, 0.8]))
    assert moved.prior_corrected_accuracy == 1
    lacking = quality([unsure], labels, trained=np.array([1.0, 0.0]))
    assert lacking.prior_corrected_accuracy is None


def test_a_class_without_test_images_has_no_recall_and_no_curve():
    found = quality([of(0.1, 0.2)], [0, 0])
    assert found.recalls == {"a": 1.0, "b": None}
    assert found.auroc is None


def test_every_network_has_its_own_temperature():
    sure, unsure = of(0.01, 0.01, 0.01, 0.99), of(0.4, 0.4, 0.4, 0.6)
    labels = [0, 0, 1, 1]
    found = quality([sure, unsure], labels, np.asarray([sure, unsure]), labels)
    # Both are right three times in four: odds of 3.
    expected = np.sqrt((np.log(99) / np.log(3)) * (np.log(1.5) / np.log(3)))
    assert found.tempered.temperature == pytest.approx(expected, rel=1e-3)
    assert found.tempered.loss == pytest.approx(-np.mean(np.log([0.75, 0.75, 0.25, 0.75])))
