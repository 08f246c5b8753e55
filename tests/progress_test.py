import pytest

from synthmed_jax.progress import (
    Bar,
    Minutely,
    file_progress_bar,
    how_far,
    progress_bar,
    progress_over,
    watched_by,
)


class Clock:
    """Seconds that a test moves on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class Heard:
    """A watcher that keeps what it is told."""

    def __init__(self):
        self.events = []

    def began(self, bar):
        self.events.append(("began", bar.description, bar.done))

    def moved(self, bar):
        self.events.append(("moved", bar.description, bar.done))

    def ended(self, bar, *, whole):
        self.events.append(("ended", bar.description, whole))


def lines(capsys) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_line_per_minute_and_no_more(capsys, clock):
    bar = Bar("classify", "image", 1000, clock=clock)
    with watched_by(Minutely(clock)), bar:
        for _ in range(150):
            clock.now += 1
            bar.update(2)
    assert lines(capsys) == [
        "classify: 120/1000 images (12 %), 2.0 images/s, 7 min left",
        "classify: 240/1000 images (24 %), 2.0 images/s, 6 min left",
    ]


def test_a_minute_is_one_for_all_bars_of_a_stage(capsys, clock):
    screen = Minutely(clock)
    with watched_by(screen):
        for name in "abcdefgh":
            bar = Bar(name, "image", 2, clock=clock)
            with bar:
                for _ in range(2):
                    clock.now += 10
                    bar.update()
    assert [line.partition(":")[0] for line in lines(capsys)] == ["c", "f"]
    screen.begin()
    with watched_by(screen), Bar("i", "image", 2, clock=clock) as bar:
        clock.now += 59
        bar.update()
    assert lines(capsys) == []


def test_work_that_is_broken_off_says_where_it_stood(capsys, clock):
    def work():
        with Bar("diffusion", "step", 80, 4, clock=clock) as bar:
            bar.update(33)
            raise KeyboardInterrupt

    with watched_by(Minutely(clock)), pytest.raises(KeyboardInterrupt):
        work()
    assert lines(capsys) == ["diffusion: 37/80 steps (46 %)"]


def test_names_do_not_steer_the_terminal(capsys, clock):
    with watched_by(Minutely(clock)), Bar("reading \x1b]0;x\x07", "file", 2, clock=clock) as bar:
        clock.now += 60
        bar.update()
    (line,) = lines(capsys)
    assert line.startswith("reading \\x1b]0;x\\x07: 1/2 files")


@pytest.mark.parametrize(
    ("total", "steps", "text"),
    [
        (100, [], "0/100 steps (0 %)"),
        (100, [(30, 1)], "1/100 steps (1 %)"),  # the first one compiles: no rate
        (100, [(30, 1), (10, 20)], "21/100 steps (21 %), 2.0 steps/s, 40 s left"),
        (100, [(30, 1), (30, 10)], "11/100 steps (11 %), 3.0 s/step, 4 min left"),
        (None, [(1, 1), (1, 1)], "2 steps, 1.0 steps/s"),
        (0, [], "0/0 steps"),
    ],
)
def test_how_far_it_is_in_words(clock, total, steps, text):
    bar = Bar("x", "step", total, clock=clock)
    for seconds, count in steps:
        clock.now += seconds
        bar.update(count)
    assert how_far(bar) == text


def test_what_stands_beside_a_bar_is_the_last_that_was_noted(clock):
    bar = Bar("x", "step", 4, clock=clock)
    bar.note(loss="0.5")
    bar.note(loss="0.25")
    assert how_far(bar) == "0/4 steps (0 %), loss 0.25"


def test_everything_comes_through_in_order_and_is_counted():
    heard = Heard()
    with watched_by(heard):
        assert list(progress_over(iter("ab"), description="x", unit="file")) == ["a", "b"]
    assert heard.events == [
        ("began", "x", 0), ("moved", "x", 1), ("moved", "x", 2), ("ended", "x", True),
    ]  # fmt: skip


def test_a_loop_that_is_left_is_not_spoken_of():
    heard = Heard()
    with watched_by(heard):
        files = file_progress_bar(["b", "a"], "reading")
        next(iter(files))
        files.close()
    assert heard.events[-1] == ("ended", "reading", True)


def test_a_bar_goes_on_where_an_earlier_run_ended():
    heard = Heard()
    with (
        watched_by(heard),
        progress_bar(description="diffusion", total=10, initial=4, unit="step") as bar,
    ):
        bar.update(6)
    assert heard.events == [
        ("began", "diffusion", 4), ("moved", "diffusion", 10), ("ended", "diffusion", True),
    ]  # fmt: skip
