import pytest

from synthmed_jax.data.sets import exclude
from synthmed_jax.errors import UserError

FILES = ["a/1.png", "a/1_mask.png", "a/masks/1.png", "b/2_Mask.png"]


@pytest.mark.parametrize(
    ("globs", "out"),
    [
        ([], []),
        (["*_mask*"], ["a/1_mask.png"]),  # case counts
        (["*/masks/*"], ["a/masks/1.png"]),
        (["1.png"], ["a/1.png", "a/masks/1.png"]),  # the name
        (["a/*"], ["a/1.png", "a/1_mask.png", "a/masks/1.png"]),
        (["*_mask*", "b/[0-9]_*"], ["a/1_mask.png", "b/2_Mask.png"]),
    ],
)
def test_a_glob_matches_the_path_or_the_name(globs, out):
    assert sorted(exclude.matched(FILES, globs)) == out


def test_a_glob_that_matches_nothing_is_an_error():
    with pytest.raises(
        UserError, match=r"--config\.data\.exclude='\*_seg\*' matches no file.*1 more"
    ):
        exclude.matched(FILES, ["*_mask*", "*_seg*"])
