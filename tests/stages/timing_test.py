import time

import pytest

from synthmed_jax.stages import timing


def test_the_first_call_is_not_counted_and_the_median_is_taken():
    pauses = iter([0.2, 0.01, 0.1, 0.02])
    assert timing.seconds_per_call("a call", lambda: time.sleep(next(pauses))) == pytest.approx(
        0.02, abs=0.015
    )


def test_a_long_call_is_timed_once():
    calls = []
    seconds = timing.seconds_per_call("a call", lambda: (calls.append(1), time.sleep(0.6)))
    assert seconds == pytest.approx(0.6, abs=0.3)
    assert len(calls) == 2  # the first compiles
