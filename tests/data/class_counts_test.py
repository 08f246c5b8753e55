import pytest

from synthmed_jax.data import class_counts
from synthmed_jax.errors import UserError

NAMES = ("a", "b", "c d")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", {}),
        (" , ", {}),
        ("b=7", {"b": 7}),
        ("c d=20, a=1,", {"c d": 20, "a": 1}),
        (" a = 3 ", {"a": 3}),
    ],
)
def test_numbers_of_the_classes_that_are_named(text, counts):
    assert class_counts.parse("f", text, NAMES) == counts


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("d=1", "x.counts names class 'd'; classes are a, b, c d"),
        ("7", "x.counts names class '7'"),
        ("a", "x.counts: 'a' needs a whole number of at least 1"),
        ("a=", "needs a whole number"),
        ("a=0", "'a=0' needs a whole number of at least 1"),
        ("a=-3", "needs a whole number"),
        ("a=1.5", "needs a whole number"),
        ("a=1,b=2,a=3", "x.counts names class 'a' twice"),
    ],
)
def test_what_is_no_such_text(text, fault):
    with pytest.raises(UserError, match=fault):
        class_counts.parse("x.counts", text, NAMES)
