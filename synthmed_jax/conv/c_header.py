"""Reads from a C header where the fields of its structs lie, without a compiler."""

from __future__ import annotations

import re
from typing import NamedTuple

_POINTER_BYTES = 8
_NUMBER_BYTES = {"size_t": 8, "int64_t": 8, "int32_t": 4, "uint32_t": 4, "int": 4}
_ENUM_BYTES = 4

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_CONSTANT = re.compile(r"(?:^#define\s+(\w+)\s+|\b(\w+)\s*=\s*)(\d+)\s*(?=[,}]|$)", re.MULTILINE)
_ENUM = re.compile(r"\benum\s*\w*\s*\{[^{}]*\}\s*(\w+)\s*;")
_ALIAS = re.compile(r"\btypedef\s+(\w+)\s+(\w+)\s*;")
_STRUCT = re.compile(r"\bstruct\s+(\w+)\s*\{([^{}]*)\}")
_FUNCTION_POINTER = re.compile(r".*\(\s*\*\s*(\w+)\s*\)\s*\(.*\)", re.DOTALL)
_FIELD = re.compile(r"(.*[\s*])(\w+)", re.DOTALL)
# A macro of the header that this is for: a pointer to a function, named as the function's type.
_API_FIELD = re.compile(r"_XLA_FFI_API_STRUCT_FIELD\((\w+)\)")


class _Type(NamedTuple):
    size: int
    alignment: int
    fields: dict[str, int]


def layout(text: str) -> dict[str, int]:
    """Returns a header's numbers by name, for a 64-bit machine.

    Args:
      text: the header.

    Returns:
      "CONSTANT": value of every #define and enumerator that is a plain number;
      "STRUCT.field": offset in bytes; "STRUCT.field.inner" where the field is a struct itself.
      In a struct with a field of an unknown type, this field and those after it are left out.
    """
    text = _COMMENT.sub("", text)
    found = {define or enumerator: int(n) for define, enumerator, n in _CONSTANT.findall(text)}
    types = {name: _Type(size, size, {}) for name, size in _NUMBER_BYTES.items()}
    types |= {name: _Type(_ENUM_BYTES, _ENUM_BYTES, {}) for name in _ENUM.findall(text)}
    types |= {alias: types[name] for name, alias in _ALIAS.findall(text) if name in types}
    # C defines a struct before another one holds it, so that this order is enough.
    for name, body in _STRUCT.findall(text):
        fields, whole = _lay_out(body, types)
        found |= {f"{name}.{field}": offset for field, offset in fields.items()}
        if whole:
            types[name] = whole
    return found


def _lay_out(body: str, types: dict[str, _Type]) -> tuple[dict[str, int], _Type | None]:
    """Offsets of the fields that are understood, and the struct's type if all of them are."""
    offsets: dict[str, int] = {}
    end, alignment = 0, 1
    for declaration in filter(None, map(str.strip, _API_FIELD.sub(r"void* \1", body).split(";"))):
        name, kind = _field(declaration, types)
        if kind is None:
            return offsets, None
        start = _round_up(end, kind.alignment)
        offsets[name] = start
        offsets |= {f"{name}.{inner}": start + offset for inner, offset in kind.fields.items()}
        end, alignment = start + kind.size, max(alignment, kind.alignment)
    return offsets, _Type(_round_up(end, alignment), alignment, offsets)


def _field(declaration: str, types: dict[str, _Type]) -> tuple[str, _Type | None]:
    """Name and type of "const X* name", "X name" or "void (*name)(...)"."""
    pointer = _Type(_POINTER_BYTES, _POINTER_BYTES, {})
    if function := _FUNCTION_POINTER.fullmatch(declaration):
        return function[1], pointer
    if not (field := _FIELD.fullmatch(declaration)):
        return "", None
    written, name = field[1], field[2]
    if "*" in written:
        return name, pointer
    return name, types.get(re.sub(r"\b(const|struct|enum)\b", "", written).strip())


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
