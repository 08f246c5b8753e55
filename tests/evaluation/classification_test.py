import copy
import csv
import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from synthmed_jax.evaluation import classification


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    return probabilities, rng.integers(0, 4, 200)


def test_score_equals_scikit_learn(predictions):
    probabilities, labels = predictions
    predicted = probabilities.argmax(axis=1)
    found = classification.score(probabilities, labels)
    exact = probabilities.astype(np.float64)
    assert found["loss"] == pytest.approx(
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
        assert found[name] == pytest.approx(value, rel=1e-12)
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    assert json.loads(json.dumps(found)) == found


def test_score_by_hand_with_a_class_never_predicted_and_one_that_never_occurs():
    probabilities = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    found = classification.score(probabilities, np.array([0, 0, 1, 0]))
    assert found["confusion"] == [[3, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.6, 0.25, 1.0]).mean())
    assert found["accuracy"] == 0.75
    assert found["precision"] == pytest.approx(0.75 / 3)
    assert found["recall"] == pytest.approx(1 / 3)
    assert found["f1"] == pytest.approx(2 * 0.75 / 1.75 / 3)
    assert found["balanced_accuracy"] == 0.5


def test_loss_of_a_surely_wrong_answer_is_large_but_finite():
    found = classification.score(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert found["loss"] == pytest.approx(12 * math.log(10))


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
        classification.score(probabilities, labels)


def test_summarise_means_and_sample_deviations():
    folds = [
        {"fold": k, "test_accuracy": a, "val_loss": None, "confusion": [[1]]}
        for k, a in enumerate((0.5, 0.7, 0.9))
    ]
    mean, std = classification.summarise(folds)
    assert mean == {"test_accuracy": pytest.approx(0.7), "val_loss": None}
    assert std == {"test_accuracy": pytest.approx(0.2), "val_loss": None}
    mean, std = classification.summarise(folds[:1])
    assert (mean["test_accuracy"], std["test_accuracy"]) == (0.5, None)
    with pytest.raises(ValueError, match="no folds"):
        classification.summarise([])


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_published_values(hits, n, low, high):
    found = classification.accuracy_interval(hits / n, n)
    assert found["low"] == pytest.approx(low, abs=5e-5)
    assert found["high"] == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("hits", [0, 7, 50])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_equals_scipy(hits, level):
    found = classification.accuracy_interval(hits / 50, 50, level)
    expected = stats.binomtest(hits, 50).proportion_ci(level, method="wilson")
    assert found["low"] == pytest.approx(expected.low, abs=1e-12)
    assert found["high"] == pytest.approx(expected.high, abs=1e-12)
    assert found["level"] == level


def test_interval_takes_a_mean_over_folds_and_refuses_nonsense():
    found = classification.accuracy_interval(0.123456, 10)
    assert found["low"] < 0.123456 < found["high"]
    for accuracy, n, level in ((1.1, 5, 0.95), (0.5, 0, 0.95), (0.5, 5, 1.0), (math.nan, 5, 0.95)):
        with pytest.raises(ValueError, match="no interval"):
            classification.accuracy_interval(accuracy, n, level)


def _cell(backbone, losses, arm="synthetic", n=500, test_accuracy=0.5):
    folds = [
        {"fold": k, "val_loss": loss, "test_accuracy": test_accuracy, "test_loss": 1.0}
        for k, loss in enumerate(losses)
    ]
    return {"backbone": backbone, "arm": arm, "n": n, "ratio": "inf", "seed": 0, "folds": folds}


def test_best_cell_takes_the_lowest_mean_validation_loss_then_the_lowest_fold():
    cells = [
        _cell("a", [0.1, 0.9]),
        _cell("b", [0.4, 0.3]),
        _cell("c", [0.0, 0.0], arm="real"),
        _cell("d", [0.2, math.nan]),
    ]
    best = classification.best_cell(cells)
    assert (best["backbone"], best["arm"], best["fold"]) == ("b", "synthetic", 1)
    assert "validation" in best["rule"]


def test_best_cell_breaks_ties_by_name_whatever_the_order():
    cells = [_cell("b", [0.5]), _cell("a", [0.5], n=1000), _cell("a", [0.5], n=500)]
    for order in (cells, cells[::-1]):
        best = classification.best_cell(order)
        assert (best["backbone"], best["n"], best["fold"]) == ("a", 500, 0)


def test_best_cell_never_reads_test_numbers():
    cells = [_cell("a", [0.3, 0.2], test_accuracy=0.1), _cell("b", [0.4, 0.5], test_accuracy=0.99)]
    best = classification.best_cell(cells)
    blind = copy.deepcopy(cells)
    for cell in blind:
        cell["folds"] = [{"fold": f["fold"], "val_loss": f["val_loss"]} for f in cell["folds"]]
    assert classification.best_cell(blind) == best
    assert best["backbone"] == "a"


def test_best_cell_refuses_to_guess():
    with pytest.raises(ValueError, match="synthetic"):
        classification.best_cell([_cell("a", [0.1], arm="real")])
    with pytest.raises(ValueError, match="no validation loss"):
        classification.best_cell([_cell("a", [None])])


def test_predictions_are_written_a_line_an_image(tmp_path):
    row = {
        "backbone": "resnet18",
        "arm": "synthetic",
        "n": 500,
        "ratio": "inf",
        "seed": 0,
        "fold": 1,
        "files": ("x/1, odd.png", "y/2.png"),
        "labels": np.array([0, 1]),
        "probabilities": np.array([[0.25, 0.75], [1 / 3, 2 / 3]], np.float32),
    }
    path = tmp_path / "predictions.csv"
    classification.write_predictions(path, ("x", "y"), [row])
    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert list(first) == [
        *("backbone", "arm", "n", "ratio", "seed", "fold"),
        *("file", "label", "predicted", "p_x", "p_y"),
    ]
    assert (first["file"], first["label"], first["predicted"]) == ("x/1, odd.png", "x", "y")
    assert (second["fold"], second["p_x"], second["p_y"]) == ("1", "0.333333", "0.666667")
    assert [entry.name for entry in tmp_path.iterdir()] == ["predictions.csv"]
