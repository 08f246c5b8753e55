"""JSON files of the workdir as frozen dataclasses: written whole, read strictly, versioned.

A file without "version" is of version 1, which is how the first version wrote them. A field that is
missing, unknown or of another type is an error that names file, field and version. Fields with a
default may be absent, and are left out of the file at their default. Numbers are finite, but for
positive infinity, which is written as "inf".

Fields may be int, float, str, bool, Literal, dataclasses, unions of one of these with None, with a
tuple or with both, tuples of one type, dicts with str keys, and object (whatever JSON holds).

The last entry of a file, "seal", is the sha256 of all others: a file that was damaged or edited is
never taken for what was computed. Files of earlier versions have none.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import operator
import pathlib
import reprlib
import types
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, Union, get_args, get_origin

import cattrs
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import read_json, write_json

Document = dict[str, Any]  # a parsed JSON object
T = TypeVar("T")
SEAL = "seal"
INFINITE = "inf"  # JSON has no infinity
_SHOWN = 3  # at most so many faults of one file are listed in its error
_MISSING = "required field missing"


class Stored:
    """Base of the frozen dataclasses that are files.

    Class attributes:
      VERSION: of the file as it is written today.
      WITHHELD: keys of the file that are no fields: they are never read here.
    """

    VERSION: ClassVar[int] = 1
    WITHHELD: ClassVar[frozenset[str]] = frozenset()

    def to_document(self) -> Document:
        """Returns the file's content; a version above 1 is its first entry."""
        version = {"version": self.VERSION} if self.VERSION > 1 else {}
        return version | unstructure(self)

    def write(self, path: pathlib.Path) -> None:
        """Writes the file whole or not at all.

        Raises:
          ValueError: a number is NaN or minus infinity; nothing is written.
        """
        write_document(path, self.to_document())

    @classmethod
    def read(cls, path: pathlib.Path) -> Self:
        """Reads the file, of this version or an earlier one.

        Raises:
          FileNotFoundError: there is none.
          Damaged: it is not what was written.
          UserError: it is no file of this kind; the text names the file, its version and the
            fields at fault.
        """
        return cls.from_document(read_document(path), path)

    @classmethod
    def from_document(cls, document: Document, path: pathlib.Path) -> Self:
        """Returns what the content of a file says, of this version or an earlier one.

        Args:
          document: less its seal; it stays as it is.
          path: the file, for errors.

        Raises:
          UserError: as of `read`.
        """
        fields = {k: v for k, v in document.items() if k not in cls.WITHHELD}
        version = fields.pop("version", 1)
        if type(version) is not int or not 1 <= version <= cls.VERSION:
            raise UserError(
                f"{path} is of version {version!r}, and this program reads {cls.__name__} up to "
                f"version {cls.VERSION}: use the version of synthmed_jax that wrote it"
            )
        where = f"{path} (version {version} of {cls.__name__})"
        try:
            for number in range(version, cls.VERSION):
                fields = cls.upgrade(number, fields)
        except KeyError as error:
            raise _unreadable(where, [f"{error.args[0]}: {_MISSING}"]) from error
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise _unreadable(where, [f"not as that version writes it: {error}"]) from error
        return structure(fields, cls, where)

    @classmethod
    def read_if_there(cls, path: pathlib.Path) -> Self | None:
        """Reads the file, or returns None where there is none."""
        return cls.read(path) if path.exists() else None

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Returns the content of a file of `version` as the next version has it."""
        raise NotImplementedError(f"{cls.__name__} has no version after {version}")


def write_document(path: pathlib.Path, document: Document) -> None:
    """Writes a sealed JSON object whole or not at all.

    Raises:
      ValueError: a number is NaN or infinite; nothing is written.
    """
    write_json(path, document | {SEAL: _seal_of(document)})


def read_document(path: pathlib.Path) -> Document:
    """Reads a JSON object, less its seal.

    Raises:
      FileNotFoundError: there is none.
      Damaged: it is not what was written.
    """
    try:
        document = read_json(path)
    except (ValueError, RecursionError) as error:
        raise Damaged(path, f"is damaged: it is no JSON ({error})") from error
    if not isinstance(document, dict):
        raise Damaged(path, "is damaged: it holds no JSON object")
    seal = document.pop(SEAL, None)
    if seal is not None and not _is_sealed(document, seal):
        raise Damaged(
            path, "is damaged: its content is not what its seal says: it was changed or edited"
        )
    return document


def _is_sealed(document: Document, seal: object) -> bool:
    try:
        return seal == _seal_of(document)
    except (ValueError, RecursionError):  # NaN, or lists in lists: it was never written
        return False


def _seal_of(document: Document) -> str:
    """Returns the sha256 of a JSON object, hexadecimal; the order of its entries is no matter."""
    sha = hashlib.sha256()
    for piece in json.JSONEncoder(sort_keys=True, allow_nan=False).iterencode(document):
        sha.update(piece.encode())
    return sha.hexdigest()


def structure(document: object, kind: type[T], where: str) -> T:
    """Turns parsed JSON into a dataclass (or a tuple or dict of some).

    Args:
      where: the file, for errors.

    Raises:
      UserError: a field is missing, unknown or of another type.
    """
    try:
        return _CONVERTER.structure(document, kind)
    except (ClassValidationError, IterableValidationError, _WrongTypeError) as error:
        faults = cattrs.transform_error(error, path="", format_exception=_describe)
    raise _unreadable(where, [_with_field(fault) for fault in faults])


def unstructure(value: object) -> Any:
    """Turns a dataclass (or a tuple or dict of some) into what JSON can hold."""
    return _CONVERTER.unstructure(value)


def _unreadable(where: str, faults: list[str]) -> UserError:
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return UserError(
        f"{where} can't be read: {'; '.join(faults[:_SHOWN])}{more}. It was edited, or another "
        "version of synthmed_jax wrote it: use that version, or take a new --workdir"
    )


def _with_field(fault: str) -> str:
    """Cattrs ends a fault in " @ .field[0]", or " @ " where it is one of the whole file."""
    text, _, field = fault.rpartition(" @ ")
    return f"{field.removeprefix('.')}: {text}" if field else text


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return _MISSING
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown fields: {', '.join(sorted(error.extra_fields))}"
    if isinstance(error, AttributeError):  # cattrs asks a value of a dict's field for its items
        return "expected an object"
    return str(error)


class _WrongTypeError(TypeError):
    """A value of another type than its field's."""

    def __init__(self, expected: str, value: object):
        super().__init__(f"expected {expected}, got {reprlib.repr(value)}")


_Hook = Callable[[object, type], object]


def _strictly(kind: type) -> _Hook:
    def check(value: object, _: type) -> object:
        if type(value) is not kind:
            raise _WrongTypeError(kind.__name__, value)
        return value

    return check


def _to_float(value: object, _: type) -> float:
    if value == INFINITE:
        return math.inf
    # Not true of NaN either. `upgrade` may have put the infinity itself here.
    if type(value) in (int, float) and value > -math.inf:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise _WrongTypeError("a finite number", value)


def _to_tuple(kind: type) -> _Hook:
    """Cattrs would take the letters of a text, or the keys of an object, for a tuple."""
    first, *others = get_args(kind)
    length = None if others == [...] else 1 + len(others)
    assert set(others) <= {first, ...}, f"{kind} mixes types"

    def check(value: object, _: type) -> object:
        if not isinstance(value, list):
            raise _WrongTypeError("a list", value)
        if length not in (None, len(value)):
            raise _WrongTypeError(f"a list of {length}", value)
        return tuple(_CONVERTER.structure(value, list[first]))  # type: ignore[valid-type]

    return check


def _is_union_with_tuple(kind: object) -> bool:
    """Whether a type is a union of a tuple with more than None."""
    if get_origin(kind) not in (Union, types.UnionType):
        return False
    others = [each for each in get_args(kind) if get_origin(each) is not tuple]
    return len(get_args(kind)) > len(others) and set(others) != {types.NoneType}


def _to_union_with_tuple(kind: type) -> _Hook:
    """A list is the tuple; cattrs would ask for a hook to tell."""
    (of_list,) = (each for each in get_args(kind) if get_origin(each) is tuple)
    others = (each for each in get_args(kind) if each is not of_list)
    of_others = functools.reduce(operator.or_, others)

    def check(value: object, _: type) -> object:
        return _CONVERTER.structure(value, of_list if isinstance(value, list) else of_others)

    return check


def _to_dataclass(kind: type, converter: cattrs.Converter) -> _Hook:
    """Cattrs would look for keys in a value that has none."""
    structure_fields: Callable[..., object] = converter.gen_structure_attrs_fromdict(kind)

    def check(value: object, _: type) -> object:
        if not isinstance(value, dict):
            raise _WrongTypeError("an object", value)
        return structure_fields(value, kind)

    return check


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, omit_if_default=True)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _strictly(kind))
    converter.register_structure_hook(float, _to_float)
    converter.register_unstructure_hook(float, lambda v: INFINITE if v == math.inf else v)
    converter.register_structure_hook_factory(lambda k: get_origin(k) is tuple, _to_tuple)
    converter.register_structure_hook_factory(_is_union_with_tuple, _to_union_with_tuple)
    converter.register_structure_hook_factory(dataclasses.is_dataclass, _to_dataclass)
    # The value of a config field: whatever JSON holds.
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)
    return converter


_CONVERTER = _make_converter()
