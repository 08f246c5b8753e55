import dataclasses

from synthmed_jax.audit.copy_threshold import exact_rate
from synthmed_jax.audit.over_training_text import PICTURE, to_section
from synthmed_jax.results.over_training import AtStep, OverTraining
from synthmed_jax.statistics.roc import AreaEstimate

AREA = AreaEstimate(0.61, 0.57, 0.65, 0.95, 0.02, (100, 100), 0.55)
FOUND = OverTraining(
    keep_every=1000,
    images=200,
    false_alarms=exact_rate(4, 400),
    why_no_search="",
    why_no_attack="",
    chosen=(2000,),
    points=(
        AtStep(1000, 0.2, exact_rate(3, 400), exact_rate(0, 400), None),
        AtStep(2000, 0.1, exact_rate(40, 400), exact_rate(12, 400), AREA),
    ),
)


def test_every_step_is_a_row_with_intervals():
    section = to_section(FOUND)
    (table,) = section.tables
    assert [row.name for row in table.rows] == ["step 1000", "step 2000"]
    assert table.rows[0].values[-1] == "-"
    assert table.rows[1].values == (
        "0.1000",
        "40 of 400 (7.2% to 13.4%)",
        "12 of 400 (1.6% to 5.2%)",
        "0.610 (0.570 to 0.650)",
    )
    assert "1.0% are flagged too" in table.caption
    assert "of step 2000" in section.paragraphs[0]
    assert [picture.file for picture in section.pictures] == [PICTURE]


def test_what_is_not_concluded_is_said():
    points = tuple(
        dataclasses.replace(point, flagged=None, flagged_strictly=None) for point in FOUND.points
    )
    found = dataclasses.replace(FOUND, false_alarms=None, why_no_search="too few", points=points)
    section = to_section(found)
    assert "Nothing is concluded about copies: too few." in section.paragraphs
    assert section.tables[0].rows[1].values[1:3] == ("-", "-")
    assert "flagged too" not in section.tables[0].caption


def test_a_training_that_kept_nothing_says_how_to_keep():
    section = to_section(dataclasses.replace(FOUND, points=()))
    assert "config.diffusion.train.keep_every" in section.paragraphs[0]
    assert section.tables == section.pictures == ()
