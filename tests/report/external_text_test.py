import dataclasses

import pytest

from synthmed_jax.report import external_text
from synthmed_jax.report.formats import DASH, NBSP
from synthmed_jax.results.external import Shared


def texts(row):
    return tuple(value.replace(NBSP, " ") for value in row.values)


def test_the_section_says_what_the_tree_is(external):
    what, shared, _ = external_text.to_section(external, {}).paragraphs
    assert "6 real images" in what
    assert "Benign 4 (folder healthy), Early 2, Pre 0 (no folder)" in what
    assert what.endswith("left out: 2 (unreadable). Grey is grey.")
    assert "need not be true" not in shared


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"num_groups": 37, "grouped_by": "file"},
            "Intervals of differences are over 37 groups of these images, by file.",
        ),
        (
            {"by_image": "no two are alike"},
            "Intervals of differences take each of these images for independent of the others: no "
            "two are alike. Where several images are of one patient, the intervals are too narrow.",
        ),
    ],
)
def test_what_intervals_are_over_is_said(external, fields, expected):
    section = external_text.to_section(dataclasses.replace(external, **fields), {})
    assert section.paragraphs[2] == expected


def test_scores_stand_beside_those_on_held_out_images(external, contents):
    own = contents.evaluation.cells[0]
    better = dataclasses.replace(own.mean, balanced_accuracy=0.912)
    held_out = {own.cell: dataclasses.replace(own, mean=better)}
    scores = external_text.to_section(external, held_out).tables[0]
    first, second = scores.rows
    assert (first.name, second.name) == ("resnet18, synthetic, n 500", "vgg16, synthetic, n 500")
    assert texts(first)[:2] == ("86.9 %", "83.8 % to 89.6 %")
    assert (texts(first)[2], texts(first)[4]) == ("80.0 %", "91.2 %")
    assert (second.values[3], second.values[4]) == (DASH, DASH)


def test_all_tables_say_that_they_are_of_external_images(external):
    scores, differences, probabilities, recalls, floors = external_text.to_section(
        external, {}
    ).tables
    for table in (scores, differences, probabilities, recalls, floors):
        assert "external images" in table.caption
        assert "test images" not in table.caption
    assert differences.rows[0].name == "resnet18, synthetic, n 500, less resnet18, real, n all"
    assert recalls.rows[1].values == (DASH, "100.0", "50.0")
    assert floors.rows[0].name == "forest on the lowest spatial frequencies"
    assert texts(floors.rows[0])[:2] == ("50.0 %", "62.5 %")


def test_what_was_not_measured_has_no_table(external):
    cells = tuple(dataclasses.replace(cell, quality=None) for cell in external.cells)
    bare = dataclasses.replace(external, cells=cells, differences=())
    assert len(external_text.to_section(bare, {}).tables) == 2


@pytest.mark.parametrize("part", ["fit", "val", "held_out", "near"])
def test_shared_images_are_said_with_what_they_mean(external, part):
    known = {"fit": 0, "val": 0, "held_out": 0, "near": 0} | {part: 3}
    shared = external_text.to_section(
        dataclasses.replace(external, shared=Shared(**known, threshold=0.95)), {}
    ).paragraphs[1]
    assert ": 3" in shared
    assert "need not be true of images that are new" in shared
