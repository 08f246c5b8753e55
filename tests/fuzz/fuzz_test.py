"""A few hundred executions of every target; `python -m tests.fuzz` does as many as are wanted."""

import contextlib
import pathlib
import warnings

import pytest

from tests.fuzz import engine, mutate
from tests.fuzz.engine import Seed, Target
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_errors_for_the_user_rises(name, tmp_path):
    outcome = engine.fuzz(name, TARGETS[name], 300, 0, tmp_path / "in", tmp_path / "out")
    assert outcome.failures == {}, [path.read_text() for path in (tmp_path / "out").glob("*.txt")]
    assert outcome.executions == 300 == outcome.read + sum(outcome.refused.values())
    assert outcome.read > 10  # changes do not only break what is looked at first
    assert sum(outcome.refused.values()) > 10


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name, tmp_path):
    """Else only the first lines of a reader were tried; a few seeds are to be refused."""
    target, refused = TARGETS[name], []
    for seed in target.seeds():
        try:
            target.run(seed, tmp_path)
        except target.allowed:
            refused.append(seed.name)
    wanted = {"images": {"f.npy", "g.npy"}, "tables": {"bars.csv"}}
    assert set(refused) <= wanted.get(name, set())


def test_an_input_is_the_same_every_time():
    seeds = TARGETS["tables"].seeds()
    drawn = [engine.input_of("tables", seeds, 1, number) for number in range(50)]
    assert drawn == [engine.input_of("tables", seeds, 1, number) for number in range(50)]
    assert len({given.content for given in drawn}) > 40
    assert max(len(given.content) for given in drawn) <= mutate.LONGEST


def _fail(given: Seed, _: pathlib.Path) -> None:
    if len(given.content) % 2:
        raise KeyError("odd")
    raise ValueError("even")


def test_what_breaks_a_target_is_kept(tmp_path):
    target = Target(lambda: [Seed("a.txt", b"some text")], _fail, (ValueError,))
    outcome = engine.fuzz("odd", target, 60, 0, tmp_path, tmp_path / "out")
    (what,) = outcome.failures
    assert what == "KeyError in fuzz_test.py:_fail"
    assert outcome.failures[what] + outcome.refused["ValueError"] == 60
    kept = outcome.kept[0]
    assert len(kept.read_bytes()) % 2 == 1
    assert "KeyError: 'odd'" in kept.with_suffix(".why.txt").read_text()


def _warn(given: Seed, _: pathlib.Path) -> None:
    warnings.warn("heard", stacklevel=1)


def _hang(given: Seed, _: pathlib.Path) -> None:
    while True:
        with contextlib.suppress(Exception):  # as a reader may
            sum(range(1000))


@pytest.mark.parametrize(
    ("run", "failure"), [(_warn, "warning UserWarning"), (_hang, "_TooLongError in")]
)
def test_a_warning_and_a_hang_are_failures(tmp_path, monkeypatch, run, failure):
    monkeypatch.setattr(engine, "SLOWEST", 0.2)
    target = Target(lambda: [Seed("a.csv", b"x")], run, (ValueError,))
    outcome = engine.fuzz("bad", target, 1, 0, tmp_path, tmp_path / "out")
    assert len(outcome.failures) == 1
    assert next(iter(outcome.failures)).startswith(failure)
