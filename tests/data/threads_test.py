import time

import pytest

from synthmed_jax.data import threads


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(threads, "_num_cores", lambda: 2)


def test_results_come_in_order_whichever_is_ready_first(two_cores):
    def wait(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    delays = [0.03, 0.0, 0.02, 0.0, 0.01, 0.0]
    assert list(threads.map_in_threads(wait, delays)) == delays
    assert list(threads.map_in_threads(wait, [])) == []


def test_items_are_taken_a_few_ahead_only(two_cores):
    taken = []
    results = threads.map_in_threads(str, (taken.append(i) or i for i in range(100)))
    assert next(results) == "0"
    assert taken == [0, 1, 2, 3, 4]


def test_closing_waits_for_what_is_under_way(two_cores):
    done = []

    def work(item: int) -> None:
        time.sleep(0.02)
        done.append(item)

    results = threads.map_in_threads(work, range(100))
    next(results)
    results.close()
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_an_error_is_raised_in_its_place(two_cores):
    results = threads.map_in_threads(lambda divisor: 6 // divisor, [1, 2, 0, 3])
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
