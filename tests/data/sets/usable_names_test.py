import pytest

from synthmed_jax.data.sets import usable_names
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("manifest.csv", "the list of synthetic images lies among their folders under this name"),
        ("Manifest.CSV", "the list of synthetic images"),  # one file where case does not count
        ("metadata.csv", "a table of the synthetic images"),
        ("README.md", "the card of the synthetic images"),
        ("README.new.md", "a newer card"),
        ("all classes", "the report has a row of this name"),
        ("cr\rcr", "control characters"),
        ("\x1b[31mred", "control characters"),
        ("two\u2028lines", "control characters"),
        ("..", "no folder can be called so"),
        ("a/b", "no folder can be called so"),
        ("ü" * 128, "at most 255 bytes"),
    ],
)
def test_names_that_can_not_be_handled_are_refused(name, fault):
    with pytest.raises(UserError, match=f"the folder .* can't be the name of a class.*{fault}"):
        usable_names.check(["glioma", name], "data.dir='x': the folder")


@pytest.mark.parametrize(
    "name", ["-ve", "+", "=x", "a|b", "CON", "all", "100 %", "ü" * 127, "脑瘤", "a\\b", "क्\u200dष"]
)
def test_names_that_can_be_handled_are_not(name):
    usable_names.check([name], "the folder")


def test_separators_of_other_systems_are_refused_where_they_are_asked_for():
    with pytest.raises(UserError, match="no folder can be called so"):
        usable_names.check(["a\\b"], "the label", separators="/\\")
