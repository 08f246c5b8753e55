"""The command line of an installed package; tests/main_test.py has that of a checkout."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from synthmed_jax import cli

ROOT = pathlib.Path(__file__).parents[1]
BUILT_FROM = (
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "requirements-formats.txt",
    "requirements-remote.txt",
    "README.md",
    "LICENSE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout, built in a copy: setuptools would leave its work in the source."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source)
    for name in ("synthmed_jax", "configs"):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=without)
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--wheel-dir", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, source], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs the installed command from another folder: arguments, folder -> process."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = tmp_path_factory.mktemp("bin") / "synthmed"  # what pip writes for the entry point
    script.write_text("from synthmed_jax.cli import run\nrun()\n")

    def start(arguments, cwd):
        return subprocess.run(
            [sys.executable, script, *arguments],
            cwd=cwd, env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return start


def files(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_holds_every_file_of_the_package_and_the_configs(wheel):
    configs = {f"synthmed_jax/{name}" for name in files(ROOT / "configs")}
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if ".dist-info/" not in name}
    assert package == files(ROOT / "synthmed_jax") | configs
    assert {"synthmed_jax/configs/base.py", "synthmed_jax/report/style.css"} <= package


def test_the_wheel_installs_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/entry_points.txt"))
        assert "synthmed = synthmed_jax.cli:run" in archive.read(name).decode()


def test_an_installed_command_takes_the_shipped_config(installed, tmp_path):
    arguments = ["--config=configs/phantom_ddpm.py:smoke", "--workdir=w", "--stages=splt"]
    run = installed(arguments, tmp_path)
    assert "no configs/phantom_ddpm.py here: taking" in run.stdout
    assert run.returncode == 2
    assert "did you mean 'split'" in run.stderr  # the config was read, and the runner reached
    assert not (tmp_path / "w").exists()


def test_a_users_config_imports_its_neighbours_and_the_shipped_base(installed, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.py").write_text(
        "from configs import base, neighbour\n"
        "def get_config(scale):\n"
        "    print(base.__file__, neighbour.NAME, scale)\n"
        "    return base.get_config(scale)\n"
    )
    (tmp_path / "configs" / "neighbour.py").write_text("NAME = 'next door'\n")
    run = installed(["--config=configs/mine.py:cpu", "--workdir=w", "--stages=splt"], tmp_path)
    base, _, said = run.stdout.strip().partition(" ")
    assert pathlib.Path(base).parts[-3:] == ("synthmed_jax", "configs", "base.py")
    assert said == "next door cpu"
    assert "did you mean 'split'" in run.stderr


def test_a_config_that_is_nowhere_ends_with_its_name(installed, tmp_path):
    run = installed(["--config=configs/al_ddpm.py", "--workdir=w"], tmp_path)
    assert run.returncode == 2
    assert "configs/al_ddpm.py" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "site" / "configs"
    folder.mkdir(parents=True)
    (folder / "all_ddpm.py").touch()
    return folder


@pytest.mark.parametrize(
    ("file", "is_shipped"),
    [
        ("configs/all_ddpm.py", True),
        ("configs/here.py", False),  # exists here
        ("configs/nowhere.py", False),
        ("all_ddpm.py", False),  # no other folder's file is meant
        ("/configs/all_ddpm.py", False),
        ("../configs/all_ddpm.py", False),
        ("", False),
    ],
)
def test_only_a_missing_file_of_configs_is_taken_from_the_package(
    file, is_shipped, shipped, tmp_path, monkeypatch
):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "here.py").touch()
    (shipped / "here.py").touch()
    monkeypatch.chdir(tmp_path)
    path = pathlib.Path(file)
    assert cli.find_config(path, shipped) == (shipped / path.name if is_shipped else path)
