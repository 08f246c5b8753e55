import pathlib

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.evaluation.pool_settings import PoolSettings


def test_lists_are_written_with_commas():
    found = PoolSettings("/runs/s0, ~/s1,", "0, 7")
    assert found.folders == (pathlib.Path("/runs/s0"), pathlib.Path.home() / "s1")
    assert found.development == {0, 7}
    assert (PoolSettings("", "").folders, PoolSettings("", "").development) == ((), frozenset())


@pytest.mark.parametrize("seeds", ["none", "0;1", "-1", "1.0"])
def test_what_is_no_seed_is_named(seeds):
    with pytest.raises(UserError, match=r"development_seeds='.*and '.*' is none"):
        PoolSettings("", seeds)
