import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.data.copies import Parted, count_copies
from synthmed_jax.data.facts import ROW, Facts
from synthmed_jax.results.leakage import ClassCopies

FIT, VAL, HELD_OUT = range(3)


def parted(part_of: list[int]) -> Parted:
    parts = np.asarray(part_of, np.int64)
    return Parted(*(np.flatnonzero(parts == part) for part in (FIT, VAL, HELD_OUT)))


# image: (file, its content, class, part)
PLANTED = [
    ("a/0", "x", 0, FIT),
    ("a/1", "x", 0, FIT),  # a copy, of no harm
    ("a/2", "x", 0, VAL),  # a copy, in val and fit
    ("a/3", "y", 0, VAL),
    ("a/4", "y", 0, HELD_OUT),  # a copy, held out and in val
    ("a/5", "x", 0, HELD_OUT),  # a copy, held out and in fit
    ("a/6", "z", 0, HELD_OUT),
    ("a/7", "z", 0, HELD_OUT),  # a copy, both held out
    ("b/0", "u", 1, FIT),
    ("b/1", "x", 1, HELD_OUT),  # equal to a fit image of the other class: no copy in its class
    ("b/2", "v", 1, HELD_OUT),
    ("b/3", "w", 1, VAL),
]


@pytest.fixture
def planted(make_facts) -> tuple[Facts, np.ndarray, list[int]]:
    files, contents, labels, parts = zip(*PLANTED, strict=True)
    return make_facts(files, sha256=contents), np.asarray(labels, np.int32), list(parts)


def test_planted_copies_are_counted(planted):
    facts, labels, parts = planted
    leakage = count_copies(facts, labels, ("a", "b", "none"), parted(parts))
    assert leakage.classes == {
        "a": ClassCopies(copies=5, val_in_fit=1, held_out_in_fit_or_val=2),
        "b": ClassCopies(copies=0, val_in_fit=0, held_out_in_fit_or_val=1),
        "none": ClassCopies(0, 0, 0),
    }
    assert (leakage.num_val, leakage.num_held_out) == (3, 6)
    assert leakage.under_two_labels == 1  # x
    assert (leakage.copies, leakage.val_in_fit, leakage.held_out_in_fit_or_val) == (5, 1, 3)


def test_the_images_of_a_stack_are_one_file(make_facts):
    facts = make_facts(["a/1"] * 4 + ["a/2"] * 4, sha256=("x",) * 8)
    labels = np.zeros(8, np.int32)
    leakage = count_copies(facts, labels, ("a",), parted([FIT] * 4 + [HELD_OUT] * 4))
    assert leakage.classes["a"] == ClassCopies(1, 0, 4)
    apart = make_facts(["a/1"] * 4, sha256=("x",) * 4)
    assert count_copies(apart, labels[:4], ("a",), parted([FIT] * 4)).copies == 0


def test_parts_may_be_empty(make_facts):
    facts = make_facts(["a/1", "a/2"], sha256=("x", "x"))
    leakage = count_copies(facts, np.zeros(2, np.int32), ("a",), parted([FIT, HELD_OUT]))
    assert leakage.classes["a"] == ClassCopies(1, 0, 1)
    assert leakage.num_val == 0


images = st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(images, min_size=1, max_size=30))
def test_counts_are_those_of_all_pairs(listed):
    n = range(len(listed))
    contents, labels, parts = zip(*listed, strict=True)
    rows = np.zeros(len(listed), ROW)
    rows["sha256"] = [content.encode() for content in contents]
    facts = Facts(tuple(f"{i}.png" for i in n), (), rows)
    leakage = count_copies(facts, np.asarray(labels, np.int32), "abc", parted(list(parts)))

    def equal(one: int, other: int) -> bool:
        return contents[one] == contents[other]

    copies = [any(equal(i, j) and labels[i] == labels[j] for j in range(i)) for i in n]
    in_fit = [parts[i] == VAL and any(equal(i, j) for j in n if parts[j] == FIT) for i in n]
    known = [
        parts[i] == HELD_OUT and any(equal(i, j) for j in n if parts[j] != HELD_OUT) for i in n
    ]
    assert leakage.copies == sum(copies)
    assert leakage.val_in_fit == sum(in_fit)
    assert leakage.held_out_in_fit_or_val == sum(known)
    torn = {contents[i] for i in n for j in n if equal(i, j) and labels[i] != labels[j]}
    assert leakage.under_two_labels == len(torn)
    for label, name in enumerate("abc"):
        own = [i for i in n if labels[i] == label]
        assert leakage.classes[name] == ClassCopies(
            sum(copies[i] for i in own), sum(in_fit[i] for i in own), sum(known[i] for i in own)
        )
