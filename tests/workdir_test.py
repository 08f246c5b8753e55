import errno
import os

import pytest

from synthmed_jax import workdir as workdir_module
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


def test_shards_share_a_workdir_and_whole_runs_do_not(tmp_path):
    workdir = Workdir(tmp_path / "run")
    with (
        workdir.shared_lock(),
        workdir.shared_lock(),
        pytest.raises(UserError, match="another run is at work in"),
        workdir.lock(),
    ):
        pass
    with (
        workdir.lock(),
        pytest.raises(UserError, match="a whole run is at work in"),
        workdir.shared_lock(),
    ):
        pass


def test_only_a_whole_run_removes_the_files_of_locks(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.locks.mkdir()
    with workdir.shared_lock():
        assert workdir.locks.exists()
    with workdir.lock():
        assert not workdir.locks.exists()


def test_shards_are_refused_where_a_disk_has_no_locks(tmp_path, monkeypatch, capsys):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(workdir_module.fcntl, "flock", refuse)
    workdir = Workdir(tmp_path)
    workdir.locks.mkdir()
    with workdir.lock():  # as before
        assert workdir.locks.exists()
    assert "can't be locked (No locks available): start no second run" in capsys.readouterr().out
    with (
        pytest.raises(UserError, match=r"can't be locked \(No locks .*shards need locks"),
        workdir.shared_lock(),
    ):
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
    assert len(paths) == 33  # each its own
    assert all(tmp_path in path.parents for path in (*paths, workdir.marker("split")))
