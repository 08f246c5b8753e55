"""Names as a person sees them: what would steer a terminal or break a line is spelt out."""

from __future__ import annotations

import re

# Control characters (with ESC, which begins a terminal's commands), further ends of lines, and what
# turns the direction of all that follows. Joiners stay: letters of some scripts need them.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str, keep: str = "") -> str:
    r"""Returns the text with control characters spelt out: ESC is \x1b, a line's end is \x0a.

    It is for eyes alone; files that are read again keep names as they are.

    Args:
      keep: characters that stay, as "\n\t" in a text of several lines.
    """
    return _STEERING.sub(lambda match: match[0] if match[0] in keep else _spell(match[0]), text)


def _spell(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
