import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax import shard
from synthmed_jax.errors import UserError
from synthmed_jax.shard import Shard


@given(st.integers(0, 50), st.integers(1, 60))
def test_the_parts_are_the_whole_each_training_once(number, count):
    trainings = [f"t{k}" for k in range(number)]
    parts = [Shard(i, count).part(trainings) for i in range(1, count + 1)]
    assert sorted(sum(parts, ())) == sorted(trainings)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 12))
def test_each_part_has_as_many_trainings_of_a_network_as_another_or_one_more(numbers, count):
    trainings = [f"network{n}/{k}" for n, number in enumerate(numbers) for k in range(number)]
    parts = [Shard(i, count).part(trainings) for i in range(1, count + 1)]
    for n in range(len(numbers)):
        of_network = [sum(t.startswith(f"network{n}/") for t in part) for part in parts]
        assert max(of_network) - min(of_network) <= 1


def test_a_part_follows_from_its_name():
    assert shard.parse("2/3", {}) == Shard(2, 3)
    assert str(Shard(2, 3)) == "2/3"
    assert Shard(2, 3).part("abcdefgh") == ("b", "e", "h")
    assert Shard(3, 3).part("ab") == ()


@pytest.mark.parametrize(
    "text",
    ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "1 / 2", "a/b", "1.0/2", "Slurm", "\u0661/2"],
)
def test_another_form_is_refused_by_name(text):
    with pytest.raises(
        UserError, match=r"^--shard=.* must be i/n, .* such as --shard=1/4; or slur"
    ):
        shard.parse(text, {})


def array(**values):
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ({"ID": 1, "MIN": 1, "MAX": 4, "COUNT": 4}, 1),
        ({"ID": 4, "MIN": 1, "MAX": 4, "COUNT": 4}, 4),
        ({"ID": 0, "MIN": 0, "MAX": 3, "COUNT": 4}, 1),
        ({"ID": 12, "MIN": 10, "MAX": 13, "COUNT": 4}, 3),
    ],
)
def test_a_task_of_an_array_is_a_shard_where_that_is_asked_for(values, index):
    assert shard.parse("slurm", array(**values)) == Shard(index, 4)
    assert shard.parse("1/7", array(**values)) == Shard(1, 7)


def test_an_array_with_gaps_is_refused():
    with pytest.raises(UserError, match=r"without gaps, and 2 tasks are from 1 to 3 .*--array=1-3"):
        shard.parse("slurm", array(ID=1, MIN=1, MAX=3, COUNT=2))


@pytest.mark.parametrize("name", ["ID", "MIN", "MAX", "COUNT"])
@pytest.mark.parametrize("value", ["", "4294967294x"])
def test_what_slurm_does_not_say_is_named(name, value):
    values = array(ID=1, MIN=1, MAX=4, COUNT=4) | array(**{name: value})
    with pytest.raises(UserError, match=f"reads SLURM_ARRAY_TASK_{name}, which is '{value}' here"):
        shard.parse("slurm", values)


NONE = {"from": False, "dry_run": False, "check_data": False}


def test_only_the_trainings_of_classify_are_divided():
    shard.check_asked(["classify"], NONE)
    for stages in ([], ["diffusion"], ["classify", "evaluate"]):
        with pytest.raises(UserError, match="--shard divides the trainings of stage 'classify'"):
            shard.check_asked(stages, NONE)
    for flag in NONE:
        with pytest.raises(UserError, match=f"^--{flag} is of whole runs: give it without --shard"):
            shard.check_asked(["classify"], NONE | {flag: True})
