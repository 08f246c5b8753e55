"""JSON files of the workdir as frozen dataclasses: written whole, read strictly, versioned.

A file without "version" is of version 1, which is how the first version wrote them. A field that is
missing, unknown or of another type is an error that names file, field and version. Fields with a
default may be absent, and are left out of the file at their default.
"""

from __future__ import annotations

import math
import pathlib
from typing import Any, ClassVar, Self, TypeVar

import cattrs
from cattrs.errors import ClassValidationError, IterableValidationError

from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json, write_json

Document = dict[str, Any]  # a parsed JSON object
T = TypeVar("T")
INFINITE = "inf"  # JSON has no infinity
_SHOWN = 3  # faults of a file that its error lists


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
        """Writes the file whole or not at all."""
        write_json(path, self.to_document())

    @classmethod
    def read(cls, path: pathlib.Path) -> Self:
        """Reads the file, of this version or an earlier one.

        Raises:
          UserError: it is no such file: names the file, its version and the field.
        """
        try:
            document = read_json(path)
        except ValueError as error:
            raise UserError(f"{path} is damaged: it is no JSON ({error})") from error
        if not isinstance(document, dict):
            raise UserError(f"{path} is damaged: it holds no JSON object")
        version = document.pop("version", 1)
        if version not in range(1, cls.VERSION + 1):
            raise UserError(
                f"{path} is of version {version!r}, and this program reads {cls.__name__} up to "
                f"version {cls.VERSION}: use the version of synthmed_jax that wrote it"
            )
        fields = {k: v for k, v in document.items() if k not in cls.WITHHELD}
        for number in range(version, cls.VERSION):
            fields = cls.upgrade(number, fields)
        return structure(fields, cls, f"{path} (version {version} of {cls.__name__})")

    @classmethod
    def read_if_there(cls, path: pathlib.Path) -> Self | None:
        """Reads the file, or returns None where there is none."""
        return cls.read(path) if path.exists() else None

    @classmethod
    def upgrade(cls, version: int, document: Document) -> Document:
        """Returns the content of a file of `version` as the next version has it."""
        raise NotImplementedError(f"{cls.__name__} has no version after {version}")


def structure(document: Any, kind: type[T], where: str) -> T:
    """Turns parsed JSON into a dataclass (or a tuple or dict of some).

    Args:
      where: the file, for errors.

    Raises:
      UserError: a field is missing, unknown or of another type.
    """
    try:
        return _CONVERTER.structure(document, kind)
    except (ClassValidationError, IterableValidationError) as error:
        faults = cattrs.transform_error(error, path="")
    except (TypeError, ValueError) as error:  # outside of any field
        faults = [str(error)]
    shown = "; ".join(fault.replace(" @ .", ": ") for fault in faults[:_SHOWN])
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    raise UserError(
        f"{where} can't be read: {shown}{more}. It was edited, or another version of synthmed_jax "
        "wrote it: use that version, or take a new --workdir"
    )


def unstructure(value: object) -> Any:
    """Turns a dataclass (or a tuple or dict of some) into what JSON can hold."""
    return _CONVERTER.unstructure(value)


def _strictly(kind: type) -> Any:
    def check(value: object, _: type) -> object:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, got {value!r}")
        return value

    return check


def _to_float(value: object, _: type) -> float:
    if value == INFINITE:
        return math.inf
    if type(value) not in (int, float):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, omit_if_default=True)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _strictly(kind))
    converter.register_structure_hook(float, _to_float)
    converter.register_unstructure_hook(float, lambda v: INFINITE if v == math.inf else v)
    # The value of a config field: whatever JSON holds.
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)
    return converter


_CONVERTER = _make_converter()
