import dataclasses

import numpy as np
import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report import pairs


@pytest.fixture
def made(reported, contents):
    return pairs.make_pairs(contents.fidelity, reported.fit, reported.synthetic)


def test_samples_are_evenly_spaced_and_of_their_class(reported):
    rows = pairs.rows_of_class(reported.synthetic, "Early", 3)
    np.testing.assert_array_equal(rows, [7, 10, 13])
    assert len(pairs.rows_of_class(reported.fit, "Pre", 9)) == 4


def test_pairs_hold_the_named_images(reported, made):
    np.testing.assert_array_equal(made[13].synthetic, reported.synthetic.images[13])
    np.testing.assert_array_equal(made[13].nearest, reported.fit.images[1])
    assert (made[13].label, made[13].nearest_label) == ("Early", "Benign")
    assert made[13].distance == pytest.approx(0.05 + 0.002 * 13)


def test_the_closest_pairs_come_first(made):
    assert pairs.closest_pairs(made[::-1], 2) == [made[0], made[1]]
    assert len(pairs.closest_pairs(made)) == pairs.CLOSEST_PAIRS


def test_typical_pairs_go_from_near_to_far_class_by_class(made):
    typical = pairs.typical_pairs(made[::-1], ("Early", "Benign"), 3)
    assert typical == [made[i] for i in (7, 10, 13, 0, 3, 6)]


@pytest.mark.parametrize(("field", "part"), [("nearest", "fit"), ("path", "synthetic")])
def test_pairs_of_another_set_are_refused(reported, contents, field, part):
    first, *rest = contents.fidelity.synthetic
    foreign = dataclasses.replace(first, **{field: "fit/Benign/none.png"})
    fidelity = dataclasses.replace(contents.fidelity, synthetic=(foreign, *rest))
    with pytest.raises(UserError, match=rf"'fit/Benign/none\.png', which is no {part} image"):
        pairs.make_pairs(fidelity, reported.fit, reported.synthetic)
