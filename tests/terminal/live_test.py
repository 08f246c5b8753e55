"""What is drawn, read from what a terminal of 80 columns would be sent."""

import io
import re

import pytest

from synthmed_jax import progress
from synthmed_jax.terminal import live
from synthmed_jax.terminal.board import State
from synthmed_jax.terminal.streams import Stream

# What wipes a table; and ESC, with a command that follows it.
_WIPED = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")
_COMMAND = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(io.TextIOWrapper):
    """A terminal of some encoding."""

    def __init__(self, encoding):
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding, errors="backslashreplace", write_through=True)

    def isatty(self):
        return True

    @property
    def text(self):
        return self.bytes.getvalue().decode(self.encoding)

    @property
    def last(self) -> list[str]:
        """Lines since the table was last wiped, without commands."""
        after = _WIPED.split(self.text)[-1]
        return [line.rstrip() for line in _COMMAND.sub("", after).replace("\r", "").split("\n")]


@pytest.fixture(params=["utf-8", "ascii"])
def terminal(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal(request.param)


def table(terminal, *, colours=True):
    streams = (Stream(terminal, cleaned=True), Stream(terminal, cleaned=False))
    return live.LiveTable(*streams, colours=colours), *streams


def test_the_table_is_whole_below_all_lines(terminal):
    screen, out, err = table(terminal)
    with screen.stages(
        {"split": State.WAITING, "diffusion": State.WAITING, "audit": State.SKIPPED}
    ):
        screen.end("split", State.KEPT, 0.0)
        screen.start("diffusion", 90.0)
        screen.expect({"diffusion": 90.0})
        with progress.progress_bar(description="diffusion", total=8, unit="step") as bar:
            bar.update(2)
            bar.note(loss="0.5")
            print("x" * 200, file=out)
            print("a warning \x1b[2J", file=err)
            *above, split, diffusion, audit, drawn, left = terminal.last
            assert above == ["a warning \\x1b[2J"]
        screen.end("diffusion", State.DONE, 1.0)
    assert "x" * 200 in terminal.text  # the terminal breaks it, a copy of it is whole
    assert split == "split      kept from before"
    assert re.fullmatch(r"diffusion  running           0 s  about 90 s", diffusion)
    assert audit == "audit      skipped"
    mark = "-" if terminal.encoding == "ascii" else "━"
    assert re.fullmatch(rf"diffusion {mark}{{5}}.* 2/8 steps \(25 %\), loss 0\.5", drawn)
    assert left == "about 90 s left in all"
    assert terminal.last == [
        "split      kept from before",
        "diffusion  done              0 s",
        "audit      skipped",
        "",
    ]
    assert terminal.text.isascii() is (terminal.encoding == "ascii")
    assert "\x1b[?25l" not in terminal.text  # a kill would leave the cursor hidden


def test_an_error_leaves_the_table_and_the_streams_whole(terminal):
    screen, out, _ = table(terminal)

    def work():
        with screen.stages({"diffusion": State.WAITING}):
            screen.start("diffusion", None)
            try:
                raise KeyboardInterrupt
            finally:
                screen.end("diffusion", State.STOPPED, 1.0)

    with pytest.raises(KeyboardInterrupt):
        work()
    print("stopped by SIGINT", file=out)
    assert terminal.last == ["diffusion  stopped  0 s", "stopped by SIGINT", ""]


def test_no_colours_where_none_are_wanted(terminal):
    for colours in (True, False):
        screen, *_ = table(terminal, colours=colours)
        with screen.stages({"a": State.WAITING}):
            screen.start("a", None)
            screen.end("a", State.DONE, 1.0)
        coloured = re.findall(r"\x1b\[(?:[0-9]+;)*3[0-9](?:;[0-9]+)*m", terminal.text)
        assert bool(coloured) is colours
        terminal.bytes.truncate(0)
        terminal.bytes.seek(0)


def test_a_screen_of_few_lines_shows_what_is_at_work(terminal, monkeypatch):
    monkeypatch.setenv("LINES", "6")
    screen, out, _ = table(terminal)
    with screen.stages(dict.fromkeys("abcde", State.WAITING)):
        screen.end("a", State.KEPT, 0.0)
        screen.start("b", None)
        print("note", file=out)
        assert [line.split() for line in terminal.last] == [
            ["note"], ["b", "running", "0", "s"], ["c", "waiting"],
        ]  # fmt: skip
    assert [line[:1] for line in terminal.last] == ["a", "b", "c", "d", "e", ""]


def test_the_answer_is_in_a_box_and_a_long_path_below_it(terminal):
    screen, *_ = table(terminal)
    screen.answer(["Can it?", "  No: " + "word " * 20, "report: /r/index.html"])
    lines = terminal.text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    corner, side = ("+", "|") if terminal.encoding == "ascii" else ("╭", "│")
    assert lines[0].startswith(corner)
    assert lines[-2].startswith(f"{side} report: /r/index.html ")
    long = "report: /" + "r" * 100
    screen.answer(["Can it?", long])
    assert terminal.text.splitlines()[-1] == long
