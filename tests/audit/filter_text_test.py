from synthmed_jax.audit.filter_text import to_section
from synthmed_jax.results.filtered import Filtered, FilteredClass


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
