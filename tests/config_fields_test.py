import dataclasses

import pytest

from synthmed_jax import config_fields
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float
    widths: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Outer:
    name: str
    count: int
    on: bool
    names: tuple[str, ...]
    inner: Inner


TYPES = config_fields.types_of(Outer)
INNER = {"rate": 1.0, "widths": (1, 2)}
RIGHT = {"name": "a", "count": 1, "on": True, "names": ("a",), "inner": INNER}


def test_types_are_those_of_the_dataclass_and_of_those_within():
    inner = {"rate": float, "widths": tuple[int, ...]}
    types = {"name": str, "count": int, "on": bool, "names": tuple[str, ...], "inner": inner}
    assert config_fields.types_of(Outer) == types


@pytest.mark.parametrize(
    "change", [{}, {"names": ()}, {"names": ["a", "b"]}, {"inner": INNER | {"rate": 2}}]
)
def test_right_fields_pass(change):
    config_fields.check(RIGHT | change, TYPES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cuont": 2}, r"^no config field cuont; did you mean 'count'\?$"),
        ({"zzz": 2}, r"^no config field zzz; there are name, count, on, names, inner$"),
        ({"inner": INNER | {"rat": 2}}, r"^no config field inner\.rat; did you mean 'rate'\?$"),
        ({"inner": {"rate": 1.0}}, r"^config\.inner lacks widths: start from configs/base\.py$"),
        ({"inner": 3}, r"^config\.inner=3 must be a block of fields"),
        (
            {"inner": INNER | {"widths": (1.5, 2)}},
            r"inner\.widths=\(1\.5, 2\) must be whole numbers",
        ),
        ({"inner": INNER | {"rate": "1"}}, r"^config\.inner\.rate='1' must be a number$"),
        ({"name": None}, r'^config\.name=None must be text in quotes; "none" and "" are texts'),
        ({"count": True}, r"^config\.count=True must be a whole number$"),
        ({"count": 1.0}, r"^config\.count=1\.0 must be a whole number$"),
        ({"on": 1}, r"^config\.on=1 must be True or False$"),
        ({"names": "a"}, r"^config\.names='a' must be names in quotes$"),
    ],
)
def test_another_name_or_type_is_refused_with_what_is_right(change, message):
    with pytest.raises(UserError, match=message):
        config_fields.check(RIGHT | change, TYPES)


def test_any_value_goes_where_no_type_is_known():
    config_fields.check(RIGHT | {"own": {"a": None}}, TYPES | {"own": None})


def test_a_former_name_stands_for_todays():
    config_fields.check({"fit": "pad"}, {"square": str}, "data.")
    with pytest.raises(UserError, match=r"^config\.data\.square=3 must be text"):
        config_fields.check({"fit": 3}, {"square": str}, "data.")


def test_a_flag_without_a_value_is_an_empty_tuple():
    given = {"a": ("",), "b": {"c": ("",), "d": ("x", "")}, "e": ""}
    assert config_fields.normalise(given) == {"a": (), "b": {"c": (), "d": ("x", "")}, "e": ""}
