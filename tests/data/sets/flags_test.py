import shlex

import pytest

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
    ("items", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), ("abcde", "a, b and 3 more")],
)
def test_of_many_items_the_first_are_named(items, text):
    assert flags.some(iter(items), 2) == text
