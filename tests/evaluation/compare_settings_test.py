import pathlib

import pytest

from synthmed_jax.evaluation.compare_settings import CompareSettings


@pytest.mark.parametrize(
    ("workdirs", "folders"),
    [
        ("", ()),
        ("/runs/a", ("/runs/a",)),
        (" /runs/a , /runs/b,", ("/runs/a", "/runs/b")),
        ("~/a", (pathlib.Path.home() / "a",)),
    ],
)
def test_workdirs_are_separated_by_commas(workdirs, folders):
    assert CompareSettings(workdirs).folders == tuple(map(pathlib.Path, folders))
