import pytest

from synthmed_jax.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[31mred.png", r"\x1b]0;owned\x07\x1b[31mred.png"),
        ("a\r\nb\tc\x7f", r"a\x0d\x0ab\x09c\x7f"),
        ("\x9b31m \x85", r"\x9b31m \x85"),  # what ESC [ is in one character, and a line's end
        ("gpj.\u202egnp", r"gpj.\u202egnp"),
        ("क\u094d\u200dष 脑瘤 ß", "क\u094d\u200dष 脑瘤 ß"),  # joiners belong to letters
    ],
)
def test_what_steers_a_terminal_is_spelt_out(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_lines_of_a_text_may_stay():
    assert printable("a\nb\tc\x1b", keep="\n\t") == "a\nb\tc\\x1b"
