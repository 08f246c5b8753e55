import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.pace import Pace


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@given(
    share=st.floats(0.01, 0.9),
    works=st.lists(st.floats(0.001, 10.0), min_size=1, max_size=50),
    cost=st.floats(0.0, 5.0),
)
def test_savings_take_at_most_their_share(share, works, cost):
    clock = Clock()
    pace, saved, worked = Pace(share, clock), 0.0, 0.0
    before = []  # what had been worked when a saving began, but for the first
    for pieces, work in enumerate(itertools.accumulate(works), 1):
        clock.now += work - worked
        worked = work
        if pace.is_due():
            before.append((saved, worked))
            with pace.saving():
                clock.now += cost * pieces  # the longer, the more there is
            saved += cost * pieces
    first_worked = before[0][1]
    for spent, done in before[1:]:
        assert spent * (1 - share) <= share * (done - first_worked) * (1 + 1e-9) + 1e-9


def test_the_first_saving_is_due_and_what_costs_nothing_always_is():
    clock = Clock()
    pace = Pace(0.05, clock)
    assert pace.is_due()
    with pace.saving():
        pass
    assert pace.is_due()
    with pace.saving():
        clock.now += 1.0
    assert not pace.is_due()
    clock.now += 18.9
    assert not pace.is_due()
    clock.now += 0.2
    assert pace.is_due()


def test_a_saving_that_fails_is_due_again():
    clock = Clock()
    pace = Pace(0.5, clock)
    with pytest.raises(OSError, match="full"), pace.saving():
        raise OSError("full")
    assert pace.is_due()
