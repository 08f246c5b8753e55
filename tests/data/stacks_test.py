import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.data import stacks
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("slices", "frames", "chosen"),
    [
        ("first", 5, [0]),
        ("middle", 5, [2]),
        ("middle", 4, [2]),
        ("all", 4, [0, 1, 2, 3]),
        ("every:1", 3, [0, 1, 2]),
        ("every:2", 5, [1, 3]),
        ("every:5", 20, [2, 7, 12, 17]),
        ("every:5:0", 20, [2, 7, 12, 17]),
        ("every:50", 20, [10]),  # no volume vanishes
        ("", 1, [0]),
        ("every:50", 1, [0]),
    ],
)
def test_choices(slices, frames, chosen):
    stacks.check(slices)
    assert list(stacks.choose(frames, slices)) == chosen


@given(st.integers(1, 300), st.integers(1, 400))
def test_every_kth_is_evenly_spaced_within_the_stack(frames, step):
    chosen = stacks.choose(frames, f"every:{step}")
    assert chosen
    assert all(0 <= index < frames for index in chosen)
    assert {b - a for a, b in itertools.pairwise(chosen)} <= {step}
    assert abs(len(chosen) - frames / step) <= 1


def test_a_stack_is_refused_where_nothing_says_what_to_use():
    with pytest.raises(ValueError, match="stack of 2 images"):
        stacks.choose(2, "")


@pytest.mark.parametrize(
    ("slices", "axis"),
    [("", None), ("all", None), ("every:3", None), ("every:3:0", 0), ("every:3:2", 2)],
)
def test_axis(slices, axis):
    assert stacks.axis_of(slices) == axis


@pytest.mark.parametrize(
    "slices",
    ["last", "every", "every:", "every:0", "every:-1", "every:2.5", "every:²", "every:2:3",
     "every:2:", "every:2:1:1", "all:2", "First"],
)  # fmt: skip
def test_other_words_are_refused(slices):
    with pytest.raises(UserError, match=r"config.data.slices='.*' must be .* every:K:AXIS"):
        stacks.check(slices)


@pytest.mark.parametrize("slices", ["all", "every:2"])
def test_a_file_may_claim_any_number_of_images(slices):
    assert len(stacks.choose(10**15, slices)) >= 10**15 // 2
