import math

import pytest

from synthmed_jax.report import without_duplicates_text
from synthmed_jax.report.formats import DASH, NBSP
from synthmed_jax.results.without_duplicates import CellWithout, ShareRight, WithoutDuplicates


@pytest.mark.parametrize(
    ("num_new", "on_new", "said", "values"),
    [
        (3, ShareRight(2 / 3, 0.75), "1 of 4", ("75.0 %", "66.7 %", "83.3 %", "75.0 %")),
        (0, None, "4 of 4", ("75.0 %", DASH, "83.3 %", DASH)),
    ],
)
def test_scores_on_new_images_stand_beside_those_on_all(num_new, on_new, said, values):
    cell = CellWithout("resnet18", "real", None, math.inf, 0, ShareRight(0.75, 2.5 / 3), on_new)
    section = without_duplicates_text.to_section(WithoutDuplicates(4, num_new, (cell,)))
    assert section.paragraphs[0].startswith(f"{said} test images have a twin")
    (row,) = section.tables[0].rows
    assert row.name == "resnet18, real, n all"
    assert tuple(value.replace(NBSP, " ") for value in row.values) == values


def test_where_near_duplicates_were_not_looked_for_the_section_speaks_of_twins():
    beside = WithoutDuplicates(4, 3, ())
    section = without_duplicates_text.to_section(beside, twins_alone=True)
    assert section.title == "Test images without a twin"
    assert section.paragraphs[0].startswith("1 of 4 test images have a twin, an image of equal")
    assert section.tables[0].caption.endswith("of those without a twin in fit or val.")
