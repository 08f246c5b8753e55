import itertools

import pytest

from synthmed_jax.audit import features
from synthmed_jax.results import audit
from synthmed_jax.results.fidelity_words import FEATURES, MEASURES, named

OF_THE_AUDIT = (
    audit.AUROC_FOREST,
    audit.AUROC_NETWORK,
    audit.KID,
    audit.DENSITY,
    audit.COVERAGE,
    audit.FRECHET,
)


def test_whatever_the_audit_measures_has_a_name_of_its_own():
    seen = ("pixels", "ring", "handmade", audit.PRETRAINED, *features.FEATURES)
    names = [named(*key) for key in itertools.product(OF_THE_AUDIT, dict.fromkeys(seen))]
    assert len(set(names)) == len(names)
    assert set(MEASURES) == set(OF_THE_AUDIT)
    assert set(FEATURES) == set(seen)


@pytest.mark.parametrize(
    ("measure", "of", "name"),
    [
        (audit.AUROC_FOREST, "ring", "told apart by a forest, outermost ring of pixels"),
        (audit.KID, "random_convolutions", "kernel distance, random convolutions"),
        (audit.FRECHET, "glcm", "Frechet distance, co-occurrence"),
    ],
)
def test_a_name_says_what_is_measured_and_what_it_sees(measure, of, name):
    assert named(measure, of) == name
