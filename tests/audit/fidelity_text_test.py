import dataclasses

import pytest

from synthmed_jax.audit.fidelity_text import to_section
from synthmed_jax.results.audit import (
    AUROC_FOREST,
    COVERAGE,
    DENSITY,
    FIT,
    HELD_OUT,
    KID,
    AuditFidelity,
    Comparison,
    Measured,
    Place,
    Places,
    PretrainedNetwork,
)

CHANCE = Measured(0.49, 0.45, 0.53)
KEYS = (
    *((AUROC_FOREST, features) for features in ("pixels", "handmade", "ring")),
    *((measure, "random_convolutions") for measure in (KID, DENSITY, COVERAGE)),
)


def audit(pixels, ring):
    """Fit images are too few."""
    values = {"pixels": pixels, "ring": ring}
    comparisons = [
        Comparison(*key, HELD_OUT, name, 300, values.get(key[1], CHANCE), CHANCE)
        for key in KEYS
        for name in ("", "benign")
    ] + [
        Comparison(*key, FIT, name, 9, None, None, "9 images per set, 20 are needed")
        for key in KEYS
        for name in ("", "benign")
    ]
    place = Place(0, "spread", 4.2, 7, -1.5, 3, 12, 0.9)
    by_chance = Place(2, "mean", 0.1, 3, 0.2, 5, 5, -0.3)
    places = (Places(HELD_OUT, 300, place, by_chance),)
    return AuditFidelity(0, 1000, 800, 20, 900, {FIT: 0, HELD_OUT: 4}, tuple(comparisons), places)


def test_a_reader_sees_what_tells_synthetic_images_and_where():
    section = to_section(audit(Measured(0.9, 0.88, 0.92), Measured(0.99, 0.98, 1.0)))
    fit, held_out, where = section.paragraphs[:3]
    assert fit == "Synthetic and fit images were not compared: 9 images per set, 20 are needed."
    assert "Synthetic and held-out images can be told apart: a forest does so best by" in held_out
    assert "outermost ring of pixels, with AUROC 0.99 (0.98 to 1.00; 0.5: no better" in held_out
    assert "two sets of real ones: 0.49; 300 images of each" in held_out
    assert "the edge of the synthetic images is not like that of real ones" in held_out
    assert "the outermost ring of pixels, in its spread of levels, by +4.2 (0.1)" in where
    assert "7 cycles per image side by -1.5 (0.2)" in where
    assert "row 3, column 12 by +0.9 (0.3)" in where
    assert section.pictures[0].file == "difference.png"


@pytest.mark.parametrize("head", ["random", "kept"])
def test_a_pretrained_network_is_named_with_what_its_file_does_not_tell(head):
    network = PretrainedNetwork("resnet50", "net.pth", "abcd" * 16, 224, head)
    *_, said = to_section(dataclasses.replace(audit(CHANCE, CHANCE), pretrained=network)).paragraphs
    assert "a resnet50 with the weights of net.pth (sha256 abcdabcdabcd)" in said
    assert "only if it has not learned from any of these images" in said
    assert ("as many classes as this data set" in said) == (head == "kept")


def test_what_is_not_told_apart_is_not_said_to_be():
    section = to_section(audit(CHANCE, Measured(0.51, 0.47, 0.55)))
    assert "are not shown to be told apart" in section.paragraphs[1]
    assert "edge of the synthetic" not in " ".join(section.paragraphs)


@pytest.mark.parametrize("class_name", ["benign"])
def test_tables_have_every_measure_and_only_references_with_values(class_name):
    overall, of_classes = to_section(audit(CHANCE, CHANCE)).tables
    assert len(overall.rows) == len(KEYS)
    assert overall.rows[0].values == (
        *2 * ("none: 9 images per set, 20 are needed",), *2 * ("0.49 (0.45 to 0.53)",),
    )  # fmt: skip
    assert "n = 9 images of each set beside fit, 300 beside held-out" in overall.caption
    assert "0 fit images, 4 held-out images" in overall.caption
    assert [row.name for row in of_classes.rows] == [f"{class_name} (n = 300)"]
    assert of_classes.rows[0].values == ("0.49 (0.49)",) * len(KEYS)
    assert "against held-out images" in of_classes.caption


def test_without_a_comparison_there_is_no_picture():
    none = dataclasses.replace(audit(CHANCE, CHANCE), places=())
    assert to_section(none).pictures == ()
