from synthmed_jax.audit.filter_text import to_section
from synthmed_jax.results.audit import Measured
from synthmed_jax.results.filtered import FILTERED, SYNTHETIC, Filtered, FilteredClass, OffClass


def test_the_section_counts_by_class_and_does_not_acquit_the_generator():
    classes = {"a": FilteredClass(60, 5, 50), "b": FilteredClass(50, 0, 50)}
    section = to_section(Filtered(0, "none", {"aligned": 0.9}, classes))
    (table,) = section.tables
    assert [(row.name, row.values) for row in table.rows] == [
        ("a", ("60", "5 (8.3%)", "50")),
        ("b", ("50", "0 (0.0%)", "50")),
    ]
    how, limits = section.paragraphs
    assert "in the folder filtered" in how
    assert "A copy that the search does not see stays in" in limits
    assert "about 1% are left out too" in limits


def test_a_filter_by_class_says_what_it_would_see_and_what_it_costs():
    covered = {SYNTHETIC: Measured(0.5, 0.4, 0.6), FILTERED: Measured(0.25, 0.2, 0.3)}
    found = Filtered(
        0, "none", {}, {"a": FilteredClass(60, 0, 50, 6)}, {"a": OffClass(0.2, 0.75)}, 0.01, covered
    )
    section = to_section(found)
    assert section.title == "Synthetic images without images off their class"
    counted, coverage = section.tables
    assert counted.columns == ("looked at", "left out as off class", "wrong labels seen", "used")
    assert counted.rows[0].values == ("60", "6 (10.0%)", "75%", "50")
    assert [row.values for row in coverage.rows] == [
        ("0.50 (0.40 to 0.60)",),
        ("0.25 (0.20 to 0.30)",),
    ]
    how, limits = section.paragraphs
    assert "all but 1.0% of the class's real images" in how
    assert "search for copies" not in how
    assert "makes a set easier" in limits


def test_both_reasons_stand_side_by_side():
    classes, off_class = {"a": FilteredClass(60, 3, 50, 6)}, {"a": OffClass(0.2, 0.75)}
    section = to_section(Filtered(0, "none", {"aligned": 0.9}, classes, off_class, 0.01))
    assert section.title == "Synthetic images without suspected copies and images off their class"
    assert section.tables[0].rows[0].values == ("60", "3 (5.0%)", "6 (10.0%)", "75%", "50")
