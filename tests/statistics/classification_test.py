import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from synthmed_jax.statistics.classification import (
    balanced_accuracy,
    macro_auroc,
    majority_rate,
    mean_of_networks,
    recalls,
)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_they_are_those_of_scikit_learn(seed, classes):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 30)])
    probabilities = rng.dirichlet(np.ones(classes), len(labels)).round(2)  # with ties
    predicted = probabilities.argmax(axis=1)
    np.testing.assert_allclose(
        recalls(predicted, labels, classes), metrics.recall_score(labels, predicted, average=None)
    )
    assert balanced_accuracy(predicted, labels, classes) == pytest.approx(
        metrics.balanced_accuracy_score(labels, predicted)
    )
    of_classes = [metrics.roc_auc_score(labels == k, probabilities[:, k]) for k in range(classes)]
    assert macro_auroc(probabilities, labels) == pytest.approx(np.mean(of_classes))


def test_a_class_that_does_not_occur_is_left_out():
    labels, predicted = np.array([0, 0, 2]), np.array([0, 1, 2])
    assert recalls(predicted, labels, 3) == [0.5, None, 1.0]
    assert balanced_accuracy(predicted, labels, 3) == 0.75
    assert macro_auroc(np.eye(3)[[0, 0, 2]], labels) == 1.0
    assert macro_auroc(np.full((2, 3), 1 / 3), np.array([1, 1])) is None


def test_chance_is_a_half():
    assert macro_auroc(np.full((9, 3), 1 / 3), np.arange(9) % 3) == 0.5


def test_the_majority_is_that_of_what_was_learned():
    learned, labels = np.array([0, 1, 1]), np.array([0, 0, 0, 1])
    assert majority_rate(learned, labels) == 0.25


def test_an_ensemble_is_the_mean_of_its_networks():
    probabilities = np.array([[[0.9, 0.1]], [[0.3, 0.7]]], np.float32)
    np.testing.assert_allclose(mean_of_networks(probabilities), [[0.6, 0.4]], atol=1e-7)
