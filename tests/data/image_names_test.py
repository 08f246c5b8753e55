import unicodedata

import pytest

from synthmed_jax.data.image_names import ImageNames, stem_of

UMLAUT = "Schädel"
FILES = [
    "a/1.png",
    "b/1.png",
    "b/2.PNG",
    "b/x/scan.nii.gz",
    "b/Case.png",
    "b/case.png",
    f"b/{unicodedata.normalize('NFD', UMLAUT)}.png",
    "b/1.2.840.10008.png",
]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a/1.png", ["a/1.png"]),
        ("./a/1.png", ["a/1.png"]),
        ("a\\1.png", ["a/1.png"]),
        ("C:\\data\\a\\1.png", ["a/1.png"]),
        ("/home/me/data/b/1.png", ["b/1.png"]),
        ("1.png", ["a/1.png", "b/1.png"]),  # several fit
        ("1", ["a/1.png", "b/1.png"]),
        ("b/1", ["b/1.png"]),
        ("2.PNG", ["b/2.PNG"]),
        ("2.png", ["b/2.PNG"]),  # other case
        ("2", ["b/2.PNG"]),  # no ending
        ("2.dcm", ["b/2.PNG"]),  # the table was made before the files were converted
        ("elsewhere/2.PNG", ["b/2.PNG"]),
        ("a/2.PNG", []),  # the set has a folder a, and this is not in it
        ("scan", ["b/x/scan.nii.gz"]),
        ("scan.nii", ["b/x/scan.nii.gz"]),
        ("x/scan.nii.gz", ["b/x/scan.nii.gz"]),
        ("Case.png", ["b/Case.png"]),  # the exact name wins
        ("CASE.png", ["b/Case.png", "b/case.png"]),
        (f"{UMLAUT}.png", [FILES[6]]),
        (UMLAUT.upper(), [FILES[6]]),
        ("1.2.840.10008", ["b/1.2.840.10008.png"]),  # what follows a dot is no ending of images
        ("3.png", []),
        ("benign", []),
        ("", []),
    ],
)
def test_a_name_is_found_as_people_write_it(cell, found):
    assert ImageNames(FILES).matches(cell) == found


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.png", "a"), ("a.nii.gz", "a"), ("a.b.TIF", "a.b"), ("1.2.3", "1.2.3"), (".png", ".png")],
)
def test_a_stem_is_a_name_without_the_ending_of_an_image(name, stem):
    assert stem_of(name) == stem


@pytest.mark.parametrize("cell", ["1" + ".gz" * 1300, "b/" * 60_000 + "1.png", "e\u0301" * 50_000])
def test_cells_that_are_no_name_of_a_file_take_no_time(cell):
    assert ImageNames(FILES).matches(cell) in ([], ["a/1.png", "b/1.png"])
