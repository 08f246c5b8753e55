import re
import signal
import threading
import time

import pytest

from synthmed_jax import pulse

# Where a process would end, a test ends the thread.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Store:
    """As jax.distributed's, in this process."""

    def __init__(self):
        self.values, self.broken = {}, False
        self.answers = threading.Event()
        self.answers.set()

    def key_value_set(self, key, value, allow_overwrite=False):
        if self.broken:
            raise RuntimeError("UNAVAILABLE: Socket closed\nmore")
        assert allow_overwrite or key not in self.values
        self.values[key] = value

    def key_value_dir_get(self, key):
        self.answers.wait()
        return [(k, v) for k, v in self.values.items() if k.startswith(f"{key}/")]


def said(beats, state="lives", why=""):
    return f"{beats}\t{state}\tnode7\t{why}"


def test_a_host_that_beats_lives():
    watch = pulse.Watch()
    for now in range(0, 1000, 50):
        assert watch.look({1: said(now)}, now) is None


def test_a_host_that_is_silent_has_ended():
    watch = pulse.Watch()
    assert watch.look({1: said(1), 2: said(1)}, 100.0) is None
    assert watch.look({1: said(1), 2: said(2)}, 100.0 + pulse.SILENT_SECONDS) is None
    host, why = watch.look({1: said(1), 2: said(3)}, 101.0 + pulse.SILENT_SECONDS)
    assert host == 1
    assert "host 1 (node7) has been silent for 61 s" in why


def test_a_host_that_was_not_heard_yet_is_not_missed():
    watch = pulse.Watch()
    assert watch.look({}, 0.0) is None
    assert watch.look({1: said(1)}, 500.0) is None


def test_a_host_that_says_that_it_failed_has_ended_at_once():
    found = pulse.Watch().look({2: said(9, "failed", "no room\ton /disk")}, 0.0)
    assert found == (2, "host 2 (node7) has ended: no room\ton /disk")


@pytest.fixture
def ends(monkeypatch):
    """What a thread says when it ends the process."""
    found = []

    def end(why):
        found.append(why)
        raise SystemExit

    monkeypatch.setattr(pulse, "_end", end)
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.01)
    return found


@pytest.fixture
def pulse_of(ends):
    """Makes pulses whose threads end with the test: later they would end the tests' process."""
    made = []

    def make(store, index, asked=lambda: False):
        made.append((store, pulse.Pulse(store, index, asked)))
        return made[-1][1]

    yield make
    for store, life in made:
        store.answers.set()
        life._stopped.set()
        life._left.set()
        life._thread.join()
        life._guard.join()


def wait_for(condition):
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < 20
        time.sleep(0.005)


def test_all_hosts_end_when_one_fails(ends, pulse_of):
    store = Store()
    pulses = [pulse_of(store, index) for index in range(3)]
    for each in pulses:
        each.start()
    pulses[1].fail("the disk is full")
    wait_for(lambda: len(ends) == 2)
    assert all("host 1 (" in why and "the disk is full" in why for why in ends)


def test_all_hosts_end_when_the_store_is_gone(ends, pulse_of):
    store = Store()
    one = pulse_of(store, 1)
    one.start()
    store.broken = True
    wait_for(lambda: ends)
    assert ends == ["host 0 can't be reached (UNAVAILABLE: Socket closed)"]


def test_a_host_that_is_asked_to_end_asks_the_leader_once(ends, pulse_of, monkeypatch):
    store, asked, signals = Store(), threading.Event(), []
    monkeypatch.setattr(pulse.os, "kill", lambda _, number: signals.append(number))
    pulses = [pulse_of(store, 0), pulse_of(store, 1, asked.is_set)]
    for each in pulses:
        each.start()
    time.sleep(0.1)
    assert signals == []
    asked.set()
    wait_for(lambda: signals)
    time.sleep(0.1)
    for each in pulses:
        each.stop()
    assert (signals, ends) == ([signal.SIGTERM], [])


@pytest.mark.parametrize("asked_to", [None, "stop", "fail"])
def test_a_host_ends_when_the_store_does_not_answer(ends, pulse_of, monkeypatch, asked_to):
    monkeypatch.setattr(pulse, "SILENT_SECONDS", 0.2)
    store = Store()
    life = pulse_of(store, 1)
    life.start()
    store.answers.clear()  # as a leader whose machine stands still
    time.sleep(0.05)
    if asked_to is not None:
        call = getattr(life, asked_to)
        arguments = ("an error",) if asked_to == "fail" else ()
        threading.Thread(target=call, args=arguments, daemon=True).start()
    wait_for(lambda: ends)
    assert re.match(r"host 0 has not answered for \d+ s: its machine stands still", ends[0])
    store.answers.set()


def test_a_host_whose_store_answers_late_goes_on(ends, pulse_of, monkeypatch):
    monkeypatch.setattr(pulse, "SILENT_SECONDS", 0.5)
    store = Store()
    life = pulse_of(store, 1)
    life.start()
    for _ in range(4):
        store.answers.clear()
        time.sleep(0.2)
        store.answers.set()
        time.sleep(0.05)
    life.stop()
    assert not ends
