import pytest

from synthmed_jax.report import outline


@pytest.mark.parametrize(
    ("folder", "file", "place"),
    [
        ("split", "section.json", "data"),
        ("audit", "section.json", "fidelity"),
        ("audit", "section_release.json", "audit"),
        ("filtered", "section.json", "audit"),
        ("evaluate", "section.json", "scores"),
        ("brightness", "section.json", "more"),
    ],
)
def test_a_stages_section_has_its_place(folder, file, place):
    assert outline.place_of(folder, file) == place
    assert place in outline.TITLES
