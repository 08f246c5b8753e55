import time

import pytest

from synthmed_jax import expected


def test_the_first_call_is_not_counted_and_the_median_is_taken():
    pauses = iter([0.2, 0.01, 0.1, 0.02])
    assert expected.seconds_a_call(lambda: time.sleep(next(pauses))) == pytest.approx(
        0.02, abs=0.015
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (40, "40 s"), (119, "119 s"), (700, "12 min"), (7200, "2.0 h"), (86400, "24 h"),
     (200_000, "2.3 days")],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, words):
    assert expected.in_words(seconds) == words
