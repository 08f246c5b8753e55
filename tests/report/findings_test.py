import numpy as np
import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report import findings
from synthmed_jax.report.files import read_run


def test_each_arms_network_is_chosen_by_validation_not_by_test(fabricated):
    metrics = fabricated.read("evaluate/metrics.json")
    del metrics["best"]
    metrics["cells"][1]["mean"]["test_accuracy"] = 1.0
    chosen = findings.chosen_cells(metrics)
    assert chosen["synthetic"]["backbone"] == "resnet18"
    metrics["cells"][1]["mean"]["val_loss"] = 0.01
    assert findings.chosen_cells(metrics)["synthetic"]["backbone"] == "vgg16"


def test_the_headline_compares_one_network_with_itself(fabricated):
    metrics = fabricated.read("evaluate/metrics.json")
    other = metrics["cells"][2] | {"backbone": "vgg16"}
    other["mean"] = other["mean"] | {"val_loss": 0.001}
    metrics["cells"].append(other)
    fabricated.write("evaluate/metrics.json", metrics)
    assert findings.headline(read_run(fabricated.workdir))["real"]["backbone"] == "resnet18"


def test_confusion_is_the_sum_of_the_folds(fabricated):
    cell = fabricated.read("evaluate/metrics.json")["cells"][0]
    expected = [[54, 3, 3], [3, 54, 3], [3, 3, 54]]
    np.testing.assert_array_equal(findings.confusion_sum(cell), expected)


def test_samples_are_evenly_spaced_and_of_their_class(fabricated):
    rows = findings.rows_of_class(fabricated.synthetic, "Early", 3)
    np.testing.assert_array_equal(rows, [7, 10, 13])
    assert len(findings.rows_of_class(fabricated.fit, "Pre", 9)) == 4


def test_pairs_hold_the_named_images(fabricated):
    fidelity = fabricated.read("evaluate/fidelity.json")
    pairs = findings.pairs(fidelity, fabricated.fit, fabricated.synthetic)
    np.testing.assert_array_equal(pairs[13].synthetic, fabricated.synthetic.images[13])
    np.testing.assert_array_equal(pairs[13].nearest, fabricated.fit.images[1])
    assert (pairs[13].label, pairs[13].nearest_label) == ("Early", "Benign")
    assert findings.closest_pairs(pairs[::-1], 2) == [pairs[0], pairs[1]]


def test_pairs_of_another_set_are_refused(fabricated):
    fidelity = fabricated.read("evaluate/fidelity.json")
    fidelity["synthetic"][0]["nearest"] = "fit/Benign/none.png"
    with pytest.raises(UserError, match=r"'fit/Benign/none\.png', which is no fit image"):
        findings.pairs(fidelity, fabricated.fit, fabricated.synthetic)
