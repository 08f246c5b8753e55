import pytest

from synthmed_jax.data.changes import describe
from synthmed_jax.results.data_files import DataFiles

BEFORE = {"a": {"a/1": "x1", "a/2": "x2"}, "b": {"b/1": "y1", "b/2": "y2"}}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (BEFORE, ""),
        (BEFORE | {"b": {"b/1": "y1"}}, "1 file removed (b/2)"),
        (BEFORE | {"c": {f"c/{i}": f"z{i}" for i in range(5)}},
         "5 files added (c/0, c/1, c/2 and 2 more)"),
        (BEFORE | {"b": {"b/1": "new", "b/2": "new"}}, "2 files changed (b/1, b/2)"),
        (BEFORE | {"b": {"b/1": "y1", "b/3": "y2"}}, "1 file renamed (b/2 to b/3)"),
        # A copy of a file that is still there is a new one.
        (BEFORE | {"b": {"b/1": "y1", "b/2": "y2", "b/3": "y2"}}, "1 file added (b/3)"),
        ({"a": {"a/1": "x1"}, "b": {"b/1": "y1", "b/2": "y2", "a/2": "x2"}},
         "1 file of another class now (a/2)"),
        ({"a": {"a/1": "x3", "a/4": "x4"}, "b": {"b/1": "y1", "c/2": "y2"}},
         "1 file added (a/4); 1 file removed (a/2); 1 file renamed (b/2 to c/2); "
         "1 file changed (a/1)"),
        (BEFORE | {"c": {"\x1b[31m\n": "z"}}, r"1 file added (\x1b[31m\x0a)"),
    ],
)  # fmt: skip
def test_differences_are_counted_and_named(now, words):
    assert describe(DataFiles(BEFORE), DataFiles(now)) == words


def test_equal_files_are_renamed_one_to_one():
    before = DataFiles({"a": {"1": "same", "2": "same", "3": "same"}})
    now = DataFiles({"a": {"4": "same", "5": "same"}})
    assert describe(before, now) == "1 file removed (3); 2 files renamed (1 to 4, 2 to 5)"
