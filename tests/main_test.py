"""The command line, as a process of its own."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import forked_program

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config=configs/phantom_ddpm.py:smoke", "--config.data.nme=x"], 'Did you mean "name"'),
        (["--config=configs/phantom_ddpm.py:smoke", "--config.dta.name=x"], 'Did you mean "data"'),
        (["--config=configs/phantom_ddpm.py:smoke"], "--workdir"),
        (["--config=configs/phantom_ddpm.py:tiny", "--workdir=w"], "paper, cpu, smoke"),
        (["--config=configs/al_ddpm.py", "--workdir=w"], "al_ddpm.py"),
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir={tmp}", "--stages=splt"],
            "did you mean 'split'",
        ),
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir="],
            "error: --workdir= is empty (a variable that is not set?): name a folder",
        ),
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir={tmp}", "--stages="],
            "error: --stages= is empty (a variable that is not set?): name stages",
        ),
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir={tmp}", "--shard=3/2"],
            "error: --shard='3/2' must be i/n, the i-th of n parts",
        ),
        # A former name of a field is understood.
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir={tmp}", "--config.data.fit=x"],
            "config.data.square='x' is not one of pad, crop, stretch",
        ),
    ],
)
def test_a_mistake_ends_with_a_hint_and_no_traceback(arguments, message, tmp_path):
    run = forked_program.run([a.format(tmp=tmp_path / "w") for a in arguments], tmp_path)
    assert run.returncode not in (0, None)
    assert message in run.stderr + run.stdout
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("config.cpu_device = 1", "error: no config field cpu_device; did you mean 'cpu_devices'?"),
        ("config.generate.step = 5", "error: no config field generate.step; did you mean 'steps'?"),
        ("config.split.group_by = None", "error: config.split.group_by=None must be text"),
        ("config.data.channels = '1'", "error: TypeError: Could not override field 'channels'"),
        ("config..data", "error: --config: {file}, line 4: invalid syntax"),
    ],
)
def test_a_mistake_in_an_own_config_file_is_a_sentence(line, message, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "from configs import base\ndef get_config():\n    config = base.get_config('smoke')\n"
        f"    {line}\n    return config\n"
    )
    run = forked_program.run([f"--config={file}", f"--workdir={tmp_path / 'w'}"], tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith(message.format(file=file))
    assert "Traceback" not in run.stderr


def test_names_that_can_not_be_read_in_this_locale_are_told_how():
    run = subprocess.run(
        [sys.executable, "main.py"], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )  # fmt: skip
    said = "error: names of files are read as ascii here: set PYTHONUTF8=1\n"
    assert (run.returncode, run.stderr) == (2, said)


def test_what_is_in_a_folder_is_said_and_drawn_on_any_terminal(tmp_path):
    """Names of Chinese letters, and of bytes that are no text, as an old archive leaves them."""
    rng = np.random.default_rng(0)
    for name in ("良性", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.png")
    (tmp_path / "data" / "b" / "\x1b]0;owned\x07.csv").write_text("seen")
    (tmp_path / "data" / "b" / os.fsdecode(b"\xffnotes.txt")).write_text("seen")
    command = [
        *(sys.executable, "main.py", "--config=configs/folder_ddpm.py:smoke", "--check_data"),
        *(f"--workdir={tmp_path / 'w'}", f"--config.data.dir={tmp_path / 'data'}"),
        f"--config.data.cache_dir={tmp_path / 'cache'}",
    ]
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[0].split() == [
        *("class", "images", "files", "sizes", "brightness", "black/white", "colour", "copies"),
        *("left", "out"),
    ]
    assert "b/\\udcffnotes.txt" in run.stdout
    assert r"b/\x1b]0;owned\x07.csv" in run.stdout
    assert "\x1b" not in run.stdout
    assert lines[2].split()[:2] == ["\\u826f\\u6027", "3"]
    drawn = {path.name for path in (tmp_path / "w").rglob("*") if path.is_file()}
    assert drawn == {"class1.png", "class1.txt", "class2.png", "class2.txt"}


def test_an_error_does_not_steer_the_terminal(tmp_path):
    for name in ("a", "b", "red\x1b[31m"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "data" / name / "\x1b]0;owned\x07.png")
    command = [
        *(sys.executable, "main.py", "--config=configs/folder_ddpm.py:smoke"),
        *(f"--workdir={tmp_path / 'w'}", f"--config.data.dir={tmp_path / 'data'}"),
        *(f"--config.data.cache_dir={tmp_path / 'cache'}", "--config.data.classes=a,b"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert r"a/\x1b]0;owned\x07.png (a) = b/\x1b]0;owned\x07.png (b)" in run.stderr
    assert "\x1b" not in run.stdout + run.stderr
