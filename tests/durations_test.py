import pytest

from synthmed_jax.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (40, "40 s"), (119, "119 s"), (700, "12 min"), (7200, "2.0 h"), (86400, "24 h"),
     (200_000, "2.3 days")],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words
