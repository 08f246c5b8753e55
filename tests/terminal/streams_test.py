import io

import pytest

from synthmed_jax.terminal.streams import Stream, has_utf8, is_live


class Tty(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def test_what_would_steer_a_terminal_is_spelt_out():
    raw = io.StringIO()
    stream = Stream(raw, cleaned=True)
    print("a\x1b[31m\tb", file=stream)
    assert raw.getvalue() == "a\\x1b[31m\tb\n"


def test_bars_of_libraries_go_through_on_standard_error():
    raw = io.StringIO()
    print("\r50 %", end="", file=Stream(raw, cleaned=False))
    assert raw.getvalue() == "\r50 %"


@pytest.mark.parametrize("cleaned", [True, False])
def test_whole_lines_go_above_a_table(cleaned):
    raw, lines = io.StringIO(), []
    stream = Stream(raw, cleaned=cleaned)
    with stream.above(lines.append):
        stream.write("a")
        assert lines == []
        stream.write("b\nc\x1b[2J\n10 %\r20 %\r\nno ")
        assert lines == ["ab", "c\\x1b[2J", "20 %"]
        assert raw.getvalue() == ""
        stream.write("end")
    assert lines == ["ab", "c\\x1b[2J", "20 %"]
    print("after", file=stream)
    assert raw.getvalue() == "no end\nafter\n"


@pytest.mark.parametrize(
    ("environment", "coerced", "utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, False, True),
        ({"LANG": "en_US.utf8"}, False, True),
        ({"LANG": "ca_ES.UTF-8@valencia"}, False, True),
        ({"LC_CTYPE": "UTF-8"}, False, True),  # macOS
        ({"LC_CTYPE": "C.UTF-8"}, False, True),
        ({"LANG": "C"}, True, False),
        ({}, True, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, True, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": ""}, False, True),
        # Python has set LC_CTYPE itself: there was no locale, or one that is not installed.
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True, False),
        ({"LC_CTYPE": "C.UTF-8"}, True, False),
        ({"LANG": "de_DE.UTF-8", "LC_CTYPE": "C.UTF-8"}, True, True),
    ],
)
def test_a_terminal_shows_what_the_locale_says(environment, coerced, utf8):
    assert has_utf8(environment, coerced=coerced) is utf8


@pytest.mark.parametrize(
    ("out", "err", "environment", "live"),
    [
        (Tty, Tty, {"TERM": "xterm"}, True),
        (Tty, Tty, {"TERM": "xterm", "NO_COLOR": "1"}, True),
        (Tty, Tty, {"TERM": "dumb"}, False),
        (Tty, Tty, {}, False),
        (io.StringIO, Tty, {"TERM": "xterm"}, False),
        (Tty, io.StringIO, {"TERM": "xterm"}, False),
    ],
)
def test_a_table_is_drawn_where_both_streams_are_on_a_terminal(out, err, environment, live):
    streams = (Stream(out(), cleaned=True), Stream(err(), cleaned=False))
    assert is_live(*streams, environment) is live
