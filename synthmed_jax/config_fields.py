"""Names and types of a config's fields, held against the dataclasses that the fields become.

A config file of the user's own may set any name to anything: a misspelt field would be ignored, and
a value of another type would end in a traceback somewhere below.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping

from synthmed_jax import field_history
from synthmed_jax.errors import UserError

Fields = dict[str, typing.Any]
# Field -> type of its value (None: any), or the same of a block.
Types = dict[str, typing.Any]
# Type of a field -> what it holds, for messages.
_WORDS: dict[object, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    tuple[int, ...]: "whole numbers",
    tuple[str, ...]: "names in quotes",
}


def normalise(block: Mapping[str, typing.Any]) -> Fields:
    """Returns the fields, with an empty tuple where `--config.<field>=` has given ("",).

    Args:
      block: field -> value, or a block.
    """
    fields = {}
    for name, value in block.items():
        if isinstance(value, Mapping):
            value = normalise(value)
        fields[name] = () if value == ("",) else value
    return fields


def types_of(kind: type) -> Types:
    """Returns field -> type of a dataclass; where the type is a dataclass, field -> its fields'."""
    hints = typing.get_type_hints(kind)
    return {
        name: types_of(typing.cast(type, hint)) if dataclasses.is_dataclass(hint) else hint
        for name, hint in ((field.name, hints[field.name]) for field in dataclasses.fields(kind))
    }


def check(block: Mapping[str, object], types: Types, prefix: str = "") -> None:
    """Refuses a block of a config whose fields have other names or types than these.

    Former names of fields pass: they are renamed elsewhere.

    Args:
      block: field -> value, or a block.
      types: field -> type, or a block's; None: any value.
      prefix: dotted name of the block itself, with a dot; "" at the top.

    Raises:
      UserError: naming the field, and the nearest name, or what its value must be.
    """
    former = {today: name for name, today in field_history.RENAMED.items()}
    for name in block:
        if name not in types and prefix + name not in field_history.RENAMED:
            raise UserError(f"no config field {prefix}{name}{_hint(name, list(types))}")
    for name, kind in types.items():
        field = prefix + name
        given = name if name in block else former.get(field, field).rpartition(".")[2]
        if given not in block:
            where = f"config.{prefix}".rstrip(".")
            raise UserError(f"{where} lacks {name}: start from configs/base.py")
        value = block[given]
        if isinstance(kind, dict):
            if not isinstance(value, Mapping):
                raise UserError(
                    f"config.{field}={value!r} must be a block of fields, as in base.py"
                )
            check(value, kind, f"{field}.")
        elif kind is not None:
            _check_type(field, value, kind)


def _hint(name: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(name, choices, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(choices)}"


def _check_type(field: str, value: object, hint: object) -> None:
    if not _is_of(value, hint):
        raise UserError(
            f"config.{field}={value!r} must be {_WORDS[hint]}"
            + ('; "none" and "" are texts, None is not' if value is None and hint is str else "")
        )


def _is_of(value: object, hint: object) -> bool:
    if typing.get_origin(hint) is tuple:
        of = typing.get_args(hint)[0]
        return isinstance(value, tuple | list) and all(_is_of(each, of) for each in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else typing.cast(type, hint))
