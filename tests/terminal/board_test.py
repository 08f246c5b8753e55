import pytest

from synthmed_jax.progress import Bar
from synthmed_jax.terminal.board import Board, Row, State, fitting


class Clock:
    """Seconds that a test moves on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_stage_goes_from_waiting_to_done(clock):
    board = Board({"split": State.KEPT, "diffusion": State.WAITING, "sweep": State.SKIPPED}, clock)
    assert board.rows[1] == Row("diffusion", State.WAITING)
    board.expect({"diffusion": 300.0, "elsewhere": 1.0})
    assert board.rows[1] == Row("diffusion", State.WAITING, left="about 5 min")
    board.start("diffusion")
    clock.now += 100
    assert board.rows[1] == Row("diffusion", State.RUNNING, "100 s", "about 3 min")
    clock.now += 300  # more than was foreseen
    assert board.rows[1] == Row("diffusion", State.RUNNING, "7 min", "about 0 s")
    board.end("diffusion", State.DONE)
    clock.now += 100
    assert board.rows == [
        Row("split", State.KEPT),
        Row("diffusion", State.DONE, "7 min"),
        Row("sweep", State.SKIPPED),
    ]


def test_a_stage_that_was_over_took_nothing(clock):
    board = Board({"split": State.WAITING}, clock)
    board.end("split", State.KEPT)
    assert board.rows == [Row("split", State.KEPT)]


def test_a_stage_that_mends_something_comes_in(clock):
    board = Board({"report": State.WAITING}, clock)
    board.start("report")
    board.start("evaluate")
    board.end("evaluate", State.DONE)
    assert [(row.name, row.state) for row in board.rows] == [
        ("report", State.RUNNING), ("evaluate", State.DONE),
    ]  # fmt: skip


def test_the_time_left_is_of_the_stage_at_work_and_of_those_that_wait(clock):
    board = Board(dict.fromkeys("abc", State.WAITING), clock)
    board.expect({"a": 100.0, "b": 50.0})
    assert board.seconds_left is None  # nothing is at work
    board.start("a")
    clock.now += 30
    assert board.seconds_left == 120
    board.end("a", State.DONE)
    board.start("b")
    assert board.seconds_left == 50
    board.end("b", State.STOPPED)
    assert board.seconds_left is None


def test_a_bar_knows_more_where_a_stage_takes_longer_than_was_foreseen(clock):
    board = Board({"a": State.WAITING}, clock)
    board.expect({"a": 20.0})
    board.start("a")
    bar = Bar("a", "step", 100, clock=clock)
    board.began(bar)
    bar.update()
    clock.now += 10
    bar.update(9)
    assert board.seconds_left == 100  # 90 steps at 0.9 per second
    board.ended(bar, whole=True)
    assert board.seconds_left == 10


def test_the_last_begun_bar_is_shown_once_it_is_worth_it(clock):
    board = Board({"a": State.WAITING}, clock)
    board.start("a")
    outer = Bar("trials", "trial", 3, clock=clock)
    inner = Bar("reading", "file", 5, patience=2.0, clock=clock)
    board.began(outer)
    board.began(inner)
    assert board.bar is outer
    clock.now += 2
    assert board.bar is inner
    board.ended(inner, whole=True)
    assert board.bar is outer
    board.end("a", State.STOPPED)  # a loop that an error has left does not say so
    assert board.bar is None


K, D, R, W, S = State.KEPT, State.DONE, State.RUNNING, State.WAITING, State.SKIPPED


@pytest.mark.parametrize(
    ("states", "most", "shown"),
    [
        ([K, D, R, W, S], 5, "abcde"),
        ([K, D, R, W, S], 4, "bcde"),
        ([K, D, R, W, S], 2, "cd"),
        ([D, R, W, W, W], 3, "bcd"),
        ([D, R, W, W, W], 1, "b"),
        ([D, R, W, W, W], -3, "b"),
    ],
)
def test_what_is_at_work_has_room_first(states, most, shown):
    rows = [Row(name, state) for name, state in zip("abcde", states, strict=True)]
    assert "".join(row.name for row in fitting(rows, most)) == shown
