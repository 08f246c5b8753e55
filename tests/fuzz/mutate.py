"""Changes valid files at random: what a damaged disk does, and what somebody may do on purpose."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

LONGEST = 1 << 16
"""Bytes that an input has at most: faults show in small files, and large ones cost time."""
_EXTREMES = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0x10000, 2**63 - 1)
_DIGITS = b"0123456789"
# Numbers as texts hold them: beyond all types, no number, too long to be read.
_NUMBERS = (
    b"-1", b"1e999", b"-1e999", b"NaN", b"Infinity", b"9" * 30, b"9" * 400, b"9" * 5000, b"1_0",
    b"0.5", b"true", b"null", b'"inf"', b"[]", b"{}", b"",
)  # fmt: skip
_PIECES = (
    b"\0", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"|", b"\\", b"/", b"..", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", "é".encode(), "\u202e".encode(), b"sep=\t\n", b"\x1f\x8b",
    b"PK\x03\x04", b"[", b"{", b"]", b"}", b".gz", b"=1+1", b"\x1b[2J",
)  # fmt: skip

_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2, 10**400, -(10**400), 1e308, float("nan"), float("inf"), float("-inf"),
    "", "inf", "all", "x", "\0\ud800", [], {}, [1], {"a": 1}, 2**63,
)  # fmt: skip

Mutator = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutate(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Returns a file with one to eight changes.

    Args:
      rng: decides all.
      content: a valid file.
      others: further ones of its kind, of which pieces may be taken.
    """
    if content[:2] == b"PK" and rng.random() < 0.5:
        return _in_zip(rng, content, others)
    if content[:8] == b"\x89PNG\r\n\x1a\n" and rng.random() < 0.5:
        return _in_png(rng, content, others)
    if content[:1] == b"{" and content[-2:].strip() == b"}" and rng.random() < 0.7:
        return _in_json(rng, content)
    data = bytearray(content)
    for _ in range(min(1 + int(rng.expovariate(0.7)), 8)):
        rng.choice(_WAYS)(rng, data, others)
    return bytes(data[:LONGEST])


def _place(rng: random.Random, data: bytearray) -> int:
    """A position; headers, where most fields are, are hit more often."""
    reach = min(len(data), 400) if rng.random() < 0.5 else len(data)
    return rng.randrange(reach) if reach else 0


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _byte(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, data)] = rng.randrange(256)


def _cut(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _remove(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(rng, data)
    del data[start : start + 1 + int(rng.expovariate(0.1))]


def _insert(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(rng, data)
    data[start:start] = rng.randbytes(1 + int(rng.expovariate(0.1)))


def _piece(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(rng, data)
    data[start:start] = rng.choice(_PIECES)


def _many(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Deep nesting, long fields, many columns: one piece many times over."""
    start = _place(rng, data)
    data[start:start] = rng.choice(_PIECES) * rng.choice((50, 900, 2000, 20_000))


def _repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = _place(rng, data)
    block = data[start : start + 1 + int(rng.expovariate(0.03))]
    data[start:start] = block * min(rng.choice((1, 2, 20, 500)), LONGEST // (len(block) + 1))


def _splice(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start = rng.randrange(len(other) + 1)
    data[_place(rng, data) :] = other[start:]


def _borrow(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start, length = rng.randrange(len(other) + 1), 1 + int(rng.expovariate(0.05))
    to = _place(rng, data)
    data[to : to + length] = other[start : start + length]


def _field(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Sets an integer of 1 to 8 bytes, in either order, to an extreme value."""
    size = rng.choice((1, 2, 4, 8))
    if len(data) < size:
        return
    start = min(_place(rng, data), len(data) - size)
    value = rng.choice(_EXTREMES) % (1 << 8 * size)
    data[start : start + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _step(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Adds a little to a byte: counts and lengths that are nearly right."""
    if data:
        start = _place(rng, data)
        data[start] = (data[start] + rng.choice((-3, -2, -1, 1, 2, 3))) % 256


def _number(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Replaces a number that is written in digits."""
    start = next((i for i in range(_place(rng, data), len(data)) if data[i] in _DIGITS), None)
    if start is None:
        return
    end = start
    while end < len(data) and data[end] in _DIGITS + b".e+-":
        end += 1
    data[start:end] = rng.choice(_NUMBERS)


_WAYS: tuple[Mutator, ...] = (
    _flip, _flip, _byte, _byte, _field, _field, _step, _number, _number, _cut, _remove, _insert,
    _piece, _repeat, _splice, _borrow, _many,
)  # fmt: skip


def _in_zip(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Changes an entry of an archive, or its name, and packs all again with right checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    chosen = rng.randrange(len(entries))
    name, inner = entries[chosen]
    way = rng.random()
    if way < 0.8:
        changed = bytearray(inner)
        for _ in range(rng.randrange(1, 4)):
            rng.choice(_WAYS)(rng, changed, [entry for _, entry in entries])
        entries[chosen] = name, bytes(changed[:LONGEST])
    elif way < 0.9:
        entries.append((name + rng.choice(("", "x", ".npy")), inner))
    else:
        del entries[chosen]
    kind = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for each, data in dict(entries).items():
            archive.writestr(each, data)
    return file.getvalue()


def _in_json(rng: random.Random, content: bytes) -> bytes:
    """Changes values, keys and nesting of JSON objects, one per line or one in all."""
    lines = content.splitlines() if content.count(b"\n{") else [content]
    for _ in range(rng.randrange(1, 4)):
        number = rng.randrange(len(lines))
        try:
            document = json.loads(lines[number])
        except ValueError:  # it was cut short
            return content[: rng.randrange(len(content))]
        if rng.random() < 0.9:
            document.pop("seal", None)
        node = document
        while True:  # down to a place at any depth
            places = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not places:
                break
            place = rng.choice(places)
            if not isinstance(node[place], dict | list) or rng.random() < 0.3:
                _change(rng, node, place)
                break
            node = node[place]
        try:
            lines[number] = json.dumps(document).encode()
        except RecursionError:  # nested twice
            return b'{"x":' * 2000 + b"1" + b"}" * 2000
    return b"\n".join(lines) + b"\n"


def _change(rng: random.Random, node: Any, place: Any) -> None:
    """Changes one entry of a list or an object."""
    way = rng.random()
    if way < 0.15:
        del node[place]
    elif way < 0.25 and isinstance(node, dict):
        node["version" if rng.random() < 0.5 else "other"] = node[place]
    elif way < 0.35:
        for _ in range(rng.choice((1, 100, 400, 900))):
            node[place] = [node[place]] if rng.random() < 0.5 else {"x": node[place]}
    else:
        node[place] = rng.choice(_VALUES)


def _in_png(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Changes a chunk's data and makes its checksum right, which readers look at first."""
    chunks, position = [], 8
    while position + 12 <= len(content):
        (length,) = struct.unpack(">I", content[position : position + 4])
        end = position + 8 + length
        chunks.append((content[position + 4 : position + 8], content[position + 8 : end]))
        position = end + 4
    chosen = rng.randrange(len(chunks))
    kind, inner = chunks[chosen]
    changed = bytearray(inner)
    for _ in range(rng.randrange(1, 3)):
        rng.choice(_WAYS)(rng, changed, others)
    chunks[chosen] = kind, bytes(changed[:LONGEST])
    if rng.random() < 0.2:
        rng.shuffle(chunks)
    packed = [content[:8]]
    for kind, data in chunks:
        crc = zlib.crc32(kind + data)
        packed.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc))
    return b"".join(packed)
