import importlib
import os
import pathlib

import jax
import pytest

from synthmed_jax import places, runner
from synthmed_jax.data import cache_folder
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.errors import UserError


def make_data(root, cache, name="folder"):
    return DataSettings(name, str(root), "Original", 16, 1, "pad", str(cache), 1, 0)


@pytest.fixture
def root(tmp_path):
    """A folder of two classes, one of which is a link to a folder elsewhere."""
    (tmp_path / "mine" / "benign").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine" / "malignant").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "mine" / "readme.txt").touch()
    (tmp_path / "alias").symlink_to(tmp_path / "mine")
    return tmp_path / "mine"


def written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


INSIDE = ("mine", "mine/run", "mine/benign/run", "mine/.hidden/run", "alias/run", "elsewhere/run")


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("flag", ["--workdir", "--config.data.cache_dir"])
def test_what_would_be_written_among_the_images_is_refused(root, tmp_path, flag, inside):
    folders = {"--workdir": tmp_path / "run", "--config.data.cache_dir": tmp_path / "cache"}
    folders[flag] = tmp_path / inside
    before = written(tmp_path)
    with pytest.raises(UserError) as raised:
        places.prepare(make_data(root, folders["--config.data.cache_dir"]), folders["--workdir"])
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / inside} lies in data.dir='{root}', and ")
    assert message.endswith(f"set {flag} to a folder outside of it")
    assert written(tmp_path) == before


def test_images_by_another_name_are_the_same_images(root, tmp_path):
    with pytest.raises(UserError, match=r"run lies in data\.dir='.*alias'"):
        places.prepare(make_data(tmp_path / "alias", tmp_path / "cache"), root / "run")


def test_a_cache_at_home_is_refused_where_the_home_is_the_data(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(root))
    with pytest.raises(UserError, match=r"\.cache/synthmed_jax lies in data\.dir="):
        places.prepare(make_data(root, ""), tmp_path / "run")


@pytest.mark.parametrize(
    "name", ["brain_tumor_mri", "leukemia", "sarscov2_ct", "phantom", "medmnist"]
)
def test_a_set_that_knows_its_folders_may_have_the_run_beside_them(root, name):
    data = make_data(root, root / "cache", name)
    assert places.prepare(data, root / "run") == root / "cache"
    assert (root / "cache").is_dir()
    assert not (root / "run").exists()


@pytest.mark.parametrize("given", ["", "missing"])
def test_images_that_are_not_there_are_the_data_sets_to_tell(tmp_path, given):
    root = tmp_path / given if given else ""
    assert places.prepare(make_data(root, tmp_path / "cache"), tmp_path) == tmp_path / "cache"


# A folder that can't be made even by root: its parent is a file.
def test_a_cache_that_can_not_be_written_names_the_field_that_helps(root, tmp_path, monkeypatch):
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(
        UserError,
        match=r"home/\.cache/synthmed_jax, where .* \(Not a directory\), and it holds no prepared "
        r"images yet: set --config\.data\.cache_dir=<folder>$",
    ):
        places.prepare(make_data(root, ""), tmp_path / "run")


def test_a_cache_that_is_there_is_tried_as_well(root, tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(cache_folder.tempfile, "TemporaryFile", refuse)
    data = make_data(root, tmp_path / "cache")
    with pytest.raises(
        UserError, match=r"cache, where .* \(Permission denied\), .*: set --config\.da"
    ):
        places.prepare(data, tmp_path / "run")
    # Of a shared folder that others have filled it is seen later what it lacks.
    (tmp_path / "cache" / "prepared").mkdir()
    assert places.prepare(data, tmp_path / "run") == tmp_path / "cache"


def test_an_account_without_a_home_needs_a_cache_dir(root, tmp_path, monkeypatch):
    def no_home(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "expanduser", no_home)
    with pytest.raises(UserError, match=r"account has none: set --config\.data\.cache_dir"):
        places.prepare(make_data(root, ""), tmp_path / "run")


@pytest.mark.parametrize("workdir", ["file", "file/run", "file/runs/1"])
def test_a_workdir_that_can_not_be_made_is_refused(root, tmp_path, workdir):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"^--workdir={tmp_path / workdir}: .*/file is no folder;"):
        places.prepare(make_data(root, tmp_path / "cache"), tmp_path / workdir)
    assert not (tmp_path / "cache").exists()


def test_a_workdir_that_can_not_be_written_is_refused(root, tmp_path, monkeypatch):
    monkeypatch.setattr(places.os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(UserError, match=rf"^--workdir=.*/new/run: {tmp_path} can't be written;"):
        places.prepare(make_data(root, tmp_path / "cache"), tmp_path / "new" / "run")


def test_a_run_refuses_its_places_before_it_reads_or_writes(root, tmp_path):
    config = importlib.import_module("configs.folder_ddpm").get_config("smoke")
    config.cpu_devices = jax.local_device_count()
    config.data.update(dir=str(root), cache_dir=str(tmp_path / "cache"))
    before = written(tmp_path)
    # The folder has no image, which is not said: nothing has been read.
    with pytest.raises(UserError, match=r"run lies in data\.dir="):
        runner.run(config, root / "run", ["split"])
    assert written(tmp_path) == before


def test_compiled_programs_that_can_have_no_folder_name_what_helps(tmp_path):
    (tmp_path / "file").touch()
    places.prepare_programs(tmp_path / "new" / "xla", "JAX_COMPILATION_CACHE_DIR")
    assert (tmp_path / "new" / "xla").is_dir()
    with pytest.raises(
        UserError,
        match=r"file/xla, where compiled .* \(Not a directory\): set JAX_COMPILATION_CACHE_DIR=<f",
    ):
        places.prepare_programs(tmp_path / "file" / "xla", "JAX_COMPILATION_CACHE_DIR")


def test_compiled_programs_of_others_are_read_and_that_is_said(tmp_path, monkeypatch, capsys):
    def refuse(**_):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(cache_folder.tempfile, "TemporaryFile", refuse)
    assert not places.prepare_programs(tmp_path, "--config.data.cache_dir")
    said = capsys.readouterr().out
    assert f"can't be kept in {tmp_path} (Permission denied)" in said
    assert "set --config.data.cache_dir=<folder>" in said
