import pytest

from synthmed_jax.data import blocks
from synthmed_jax.data.grouping import assign_groups
from synthmed_jax.data.settings import SplitSettings
from synthmed_jax.errors import UserError


def together(files: list[str], size: int) -> set[frozenset[str]]:
    numbers = assign_groups(files, f"blocks:{size}")
    return {
        frozenset(f for f, n in zip(files, numbers, strict=True) if n == number)
        for number in set(numbers.tolist())
    }


def test_blocks_are_of_numbers_not_of_text():
    files = [f"COVID/Covid ({i}).png" for i in (1, 2, 9, 10, 11, 20, 21, 100)]
    assert (
        together(files, 10)
        == {
            frozenset(files[:4]),  # 1 to 10
            frozenset(files[4:6]),  # 11 to 20
            frozenset(files[6:7]),
            frozenset(files[7:]),
        }
    )


def test_numbers_are_counted_from_the_smallest_of_a_series():
    files = ["a/x105.png", "a/x106.png", "a/x107.png", "a/x108.png"]
    assert together(files, 2) == {frozenset(files[:2]), frozenset(files[2:])}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/1.png", "b/1.png"),  # folders
        ("Training/a/1.png", "Testing/a/1.png"),
        ("a/p1_s1.png", "a/p2_s1.png"),  # the text before the number
    ],
)
def test_series_are_kept_apart(one, other):
    assert together([one, other], 1000) == {frozenset([one]), frozenset([other])}


def test_the_last_number_of_a_name_is_its_number():
    assert together(["a/7T_1_left.png", "a/7T_2_left.png", "a/7T_3.png"], 2) == {
        frozenset(["a/7T_1_left.png", "a/7T_2_left.png"]),
        frozenset(["a/7T_3.png"]),
    }
    assert len(together(["a/1.mp4", "a/2.mp4"], 1)) == 2  # not that of the ending


def test_blocks_of_one_group_nothing():
    files = [f"a/{i}.png" for i in range(5)]
    assert len(together(files, 1)) == 5


def test_a_name_without_a_number_is_named():
    with pytest.raises(UserError, match=r"blocks:3: the file name a/left\.png holds no number"):
        assign_groups(["a/1.png", "a/left.png"], "blocks:3")


@pytest.mark.parametrize("text", ["", "0", "-1", "2.5", "many", "01"])
def test_a_block_is_of_one_file_or_more(text):
    with pytest.raises(UserError, match=r"blocks:.*whole number of 1 or more.*blocks:20"):
        SplitSettings(0.2, 0.1, "", f"{blocks.BLOCKS}{text}", 0)
