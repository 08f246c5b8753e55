import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synthmed_jax.data.settings import Augmentation, SplitSettings, names
from synthmed_jax.errors import UserError


def test_settings_open_no_library_of_data():
    code = (
        "import sys, synthmed_jax.data.settings\n"
        "libraries = {'tensorflow_datasets', 'grain', 'jax', 'PIL'}\n"
        "print(sorted(libraries & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("square", "squeeze", "config.data.square='squeeze' is not one of pad, crop, stretch"),
        ("channels", 4, "config.data.channels=4 is not one of 1, 3"),
        ("image_size", 0, "config.data.image_size=0 must be at least 1"),
    ],
)
def test_data_out_of_range(settings, field, value, message):
    with pytest.raises(UserError, match=message):
        settings(**{field: value})


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("", ()),
        (" , ", ()),
        ("a, b c ,d", ("a", "b c", "d")),
        ('a, "b, c",d', ("a", "b, c", "d")),
        ("5\" scan,it's", ('5" scan', "it's")),
        ('"say ""x"""', ('say "x"',)),
    ],
)
def test_names_with_commas(text, listed):
    assert names(text) == listed


@pytest.mark.parametrize("text", ['"a', '"a" b,c'])
def test_a_quote_without_its_counterpart(text):
    with pytest.raises(UserError, match="quotes come in pairs, around a whole name"):
        names(text)


def test_the_cache_is_the_folder_given_or_one_at_home(settings, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    data = settings()
    assert data.cache == Path(data.cache_dir)
    at_home = dataclasses.replace(data, cache_dir="").cache
    assert at_home == Path("/home/somebody/.cache/synthmed_jax")


@pytest.mark.parametrize(
    ("group_by", "look_for", "message"),
    [
        ("none", "copies", "look_for='copies' is not one of near_duplicates, twins"),
        ("near_duplicates", "twins", "or split.group_by=none"),
    ],
)
def test_what_is_looked_for_must_be_known_and_enough_for_the_groups(group_by, look_for, message):
    with pytest.raises(UserError, match=re.escape(message)):
        SplitSettings(0.2, 0.1, "", group_by, 0, look_for)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("vertical", 0), "none, horizontal, dihedral"),
        (("none", -1), "shift=-1"),
        (("none", 0, 1.1), "warp=1.1 must be between 0 and 1"),
        (("none", 0, float("nan")), "warp=nan"),
    ],
)
def test_augmentation_out_of_range(values, message):
    with pytest.raises(UserError, match=message):
        Augmentation(*values)
