import shlex

import pytest

from synthmed_jax.data import settings
from synthmed_jax.data.sets import flags


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("a", "b"), "--config.data.classes=a,b"),
        (("*_mask*",), "--config.data.classes='*_mask*'"),
        (("it's 1", "b"), """--config.data.classes='it'"'"'s 1,b'"""),
        ((), "--config.data.classes=''"),
    ],
)
def test_a_flag_is_quoted_as_a_shell_needs_it(values, text):
    written = flags.flag("data.classes", *values)
    assert written == text
    assert shlex.split(written) == ["--config.data.classes=" + ",".join(values)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("data.classes", ("a", "b, c", 'say "x"', '"quoted"')),
        ("data.columns", ("label=a, b", "file=c")),
        ("data.exclude", ("*,1.png", "*'s")),
        ("data.parts", ("a,b",)),
    ],
)
def test_a_list_is_read_as_it_is_written(field, values):
    (written,) = shlex.split(flags.flag(field, *values))
    assert settings.names(written.partition("=")[2]) == values


def test_a_path_is_no_list():
    assert flags.flag("data.table", "a,b.csv") == "--config.data.table=a,b.csv"


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), ("abcde", "a, b and 3 more")],
)
def test_of_many_items_the_first_are_named(items, text):
    assert flags.some(iter(items), 2) == text
