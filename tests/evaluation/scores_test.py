import dataclasses
import math

import numpy as np
import pytest
from sklearn import metrics

from synthmed_jax.evaluation.scores import score, summarise
from synthmed_jax.results.evaluation import FoldScores, Scores

NAMES = [field.name for field in dataclasses.fields(Scores)]


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    return probabilities, rng.integers(0, 4, 200)


def test_score_equals_scikit_learn(predictions):
    probabilities, labels = predictions
    predicted = probabilities.argmax(axis=1)
    scores = score(probabilities, labels)
    exact = probabilities.astype(np.float64)
    assert scores.loss == pytest.approx(
        metrics.log_loss(labels, exact / exact.sum(axis=1, keepdims=True)), rel=1e-6
    )
    macro = {"average": "macro"}
    expected = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "precision": metrics.precision_score(labels, predicted, **macro),
        "recall": metrics.recall_score(labels, predicted, **macro),
        "f1": metrics.f1_score(labels, predicted, **macro),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
    }
    for name, value in expected.items():
        assert getattr(scores, name) == pytest.approx(value, rel=1e-12)
        assert type(getattr(scores, name)) is float
    np.testing.assert_array_equal(scores.confusion, metrics.confusion_matrix(labels, predicted))
    assert {type(count) for row in scores.confusion for count in row} == {int}


def test_score_by_hand_with_a_class_never_predicted_and_one_that_never_occurs():
    probabilities = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    scores = score(probabilities, np.array([0, 0, 1, 0]))
    assert scores.confusion == ((3, 0, 0), (1, 0, 0), (0, 0, 0))
    assert scores.loss == pytest.approx(-np.log([0.8, 0.6, 0.25, 1.0]).mean())
    assert scores.accuracy == 0.75
    assert scores.precision == pytest.approx(0.75 / 3)
    assert scores.recall == pytest.approx(1 / 3)
    assert scores.f1 == pytest.approx(2 * 0.75 / 1.75 / 3)
    assert scores.balanced_accuracy == 0.5


def test_loss_of_a_surely_wrong_answer_is_large_but_finite():
    scores = score(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert scores.loss == pytest.approx(12 * math.log(10))


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "nothing"),
        (np.ones((2, 2)), np.zeros(3, int), "nothing"),
        (np.full((2, 2), np.nan), np.zeros(2, int), "finite"),
    ],
)
def test_score_refuses(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        score(probabilities, labels)


def test_summarise_means_and_sample_deviations():
    # Score number i of fold k is i + k / 5: means i + 0.2, deviations 0.2.
    folds = [
        FoldScores(*[i + k / 5 for i in range(len(NAMES))], fold=k, confusion=((1,),))
        for k in range(3)
    ]
    mean, std = summarise(folds)
    assert type(mean) is type(std) is Scores
    assert dataclasses.astuple(mean) == pytest.approx([i + 0.2 for i in range(len(NAMES))])
    assert dataclasses.astuple(std) == pytest.approx([0.2] * len(NAMES))
    mean, std = summarise(folds[:1])
    assert dataclasses.astuple(mean) == tuple(range(len(NAMES)))
    assert std is None
    with pytest.raises(ValueError, match="no folds"):
        summarise([])
