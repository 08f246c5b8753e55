import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.workdir import Workdir


def test_a_second_run_is_kept_out_until_the_first_ends(tmp_path):
    workdir = Workdir(tmp_path / "run")
    with (
        workdir.lock(),
        pytest.raises(UserError, match="another run is at work in"),
        workdir.lock(),
    ):
        pass
    with workdir.lock():
        pass


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    workdir = Workdir(tmp_path / "file" / "run")
    with (
        pytest.raises(UserError, match=r"^--workdir=.*/file/run can't be written \(Not a directo"),
        workdir.lock(),
    ):
        pass


def test_nothing_lies_outside_of_the_folder(tmp_path):
    workdir = Workdir(tmp_path)
    paths = {
        getattr(workdir, name)
        for name, member in vars(Workdir).items()
        if isinstance(member, property)
    }
    assert len(paths) == 31  # each its own
    assert all(tmp_path in path.parents for path in (*paths, workdir.marker("split")))
