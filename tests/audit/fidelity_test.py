import functools

import numpy as np
import pytest

from synthmed_jax.audit import fidelity, two_sample
from synthmed_jax.audit.fidelity import LEAST, draw, measure_fidelity, without_twins
from synthmed_jax.audit.pretrained import PretrainedFeatures
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.audit import (
    AUROC_FOREST,
    COVERAGE,
    DENSITY,
    FIT,
    FRECHET,
    HELD_OUT,
    KID,
    PRETRAINED,
    AuditFidelity,
    PretrainedNetwork,
)


def image_set(per_class, seed, change=lambda images: images):
    """Smooth random images; `per_class` of class a and of class b."""
    rng, n = np.random.default_rng(seed), sum(per_class)
    coarse = rng.normal(120, 30, (n, 4, 4, 1))
    made = np.kron(coarse, np.ones((1, 4, 4, 1))) + rng.normal(0, 8, (n, 16, 16, 1))
    images = change(np.clip(np.rint(made), 0, 255).astype(np.uint8))
    labels = np.repeat(np.arange(len(per_class)), per_class).astype(np.int32)
    return ImageSet(images, labels, tuple(f"{seed}-{i}.png" for i in range(n)), ("a", "b"))


def brighter(images):
    return np.minimum(images, 225) + 30


def framed(images):
    images = images.copy()
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        images[edge] = 100
    return images


@pytest.fixture
def quick(monkeypatch):
    """Small forests; the network is tried in two_sample_test."""
    few = functools.partial(two_sample.forest_scores, trees=20)
    monkeypatch.setattr(two_sample, "forest_scores", few)
    measures = {key: of for key, of in fidelity.MEASURES.items() if key[0] != "auroc_network"}
    monkeypatch.setattr(fidelity, "MEASURES", measures)


def found(change, limit=120, fit=(40, 40), pretrained=None):
    sets = (image_set((60, 60), 0, change), image_set(fit, 1), image_set((70, 70), 2))
    audit, _ = measure_fidelity(*sets, limit, 0, pretrained)
    return audit, {(e.measure, e.features, e.against, e.class_name): e for e in audit.comparisons}


def test_real_images_are_not_told_from_real_ones(quick):
    audit, by_key = found(lambda images: images)
    ring = by_key[AUROC_FOREST, "ring", HELD_OUT, ""]
    distance = by_key[KID, "random_convolutions", HELD_OUT, ""]
    for measured in (ring.synthetic, ring.real):
        assert measured.low < 0.5 < measured.high
    for measured in (distance.synthetic, distance.real):
        assert measured.low < 0 < measured.high
    assert abs(audit.places[1].synthetic.of_ring) < 0.6


def test_brighter_images_are_told_from_real_ones_by_everything(quick):
    _, by_key = found(brighter)
    for features in ("pixels", "handmade", "ring"):
        compared = by_key[AUROC_FOREST, features, HELD_OUT, ""]
        assert compared.synthetic.low > 0.7
        assert compared.real.low < 0.5 < compared.real.high
    for class_name in ("", "a", "b"):
        assert by_key[KID, "handmade", HELD_OUT, class_name].synthetic.low > 0


def test_a_network_that_learned_elsewhere_sees_a_further_family_of_features(quick, tmp_path):
    """Mean levels of 16 places, as if by a network."""
    network = PretrainedNetwork("resnet18", "net.pth", "ab" * 32, 224, "random")
    places = PretrainedFeatures(network, lambda images: images[:, ::4, ::4].reshape(-1, 16))
    audit, by_key = found(brighter, pretrained=places)
    plain, without = found(brighter)
    of_places = {key[0] for key in by_key if key[1] == PRETRAINED}
    assert of_places == {AUROC_FOREST, KID, DENSITY, COVERAGE}
    assert {key: by_key[key] for key in without} == without
    assert len(by_key) == len(without) + 4 * 2 * 3  # of two references, all classes and each
    assert by_key[KID, PRETRAINED, HELD_OUT, ""].synthetic.low > 0
    real = by_key[KID, PRETRAINED, HELD_OUT, ""].real
    assert real.low < 0 < real.high
    assert (audit.pretrained, plain.pretrained) == (network, None)
    audit.write(tmp_path / "fidelity.json")
    assert AuditFidelity.read(tmp_path / "fidelity.json") == audit


def test_a_wrong_edge_is_found_where_it_is(quick):
    audit, by_key = found(framed)
    assert by_key[AUROC_FOREST, "ring", HELD_OUT, ""].synthetic.value > 0.99
    for places in audit.places:
        assert (places.synthetic.ring, places.synthetic.ring_by) == (0, "spread")
        assert abs(places.synthetic.of_ring) > 5 > abs(places.real.of_ring)


def test_every_set_of_a_comparison_holds_equally_many_images_of_each_class(quick):
    audit, by_key = found(brighter, fit=(30, 90))
    assert by_key[KID, "handmade", FIT, ""].num_images == 15 + 45
    assert by_key[KID, "handmade", FIT, "a"].num_images == 15 < LEAST
    assert by_key[KID, "handmade", FIT, "b"].num_images == 45
    assert (audit.num_synthetic, audit.num_fit, audit.num_held_out) == (120, 120, 140)


def test_too_few_images_have_no_value_and_the_reason(quick, tmp_path):
    audit, by_key = found(brighter, fit=(12, 50))
    few = by_key[AUROC_FOREST, "ring", FIT, "a"]
    assert (few.synthetic, few.real) == (None, None)
    assert few.why == "6 images per set, 20 are needed"
    assert by_key[AUROC_FOREST, "ring", FIT, "b"].synthetic is not None
    # 64 features, and 70 images.
    wide = by_key[FRECHET, "random_convolutions", HELD_OUT, ""]
    assert (wide.synthetic, wide.why) == (None, "70 images per set, 640 are needed")
    audit.write(tmp_path / "fidelity.json")
    assert AuditFidelity.read(tmp_path / "fidelity.json") == audit


def test_a_set_of_few_images_is_not_compared_at_all(quick):
    audit, _ = found(brighter, fit=(10, 10))
    assert {e.synthetic for e in audit.comparisons if e.against == FIT} == {None}
    assert [places.against for places in audit.places] == [HELD_OUT]


def test_no_more_images_are_drawn_than_the_limit_and_none_twice():
    drawn = draw(image_set((50, 50), 0), image_set((60, 60), 1), 40, np.random.default_rng(0))
    assert np.bincount(drawn.labels).tolist() == [20, 20]
    for each in (drawn.synthetic, drawn.real, drawn.other):
        np.testing.assert_array_equal(each.labels, drawn.labels)
    assert len({*drawn.real.files, *drawn.other.files}) == 80


def test_twins_count_once_in_a_class():
    made = image_set((3, 3), 0)
    made.images[[1, 3]] = made.images[0]
    kept = without_twins(made)
    assert [made.files.index(file) for file in kept.files] == [0, 2, 3, 4, 5]
