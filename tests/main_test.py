"""The command line, as a process of its own."""

import pathlib
import subprocess
import sys

import pytest

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
        # A former name of a field is understood.
        (
            ["--config=configs/phantom_ddpm.py:smoke", "--workdir={tmp}", "--config.data.fit=x"],
            "config.data.square='x' is not one of pad, crop, stretch",
        ),
    ],
)
def test_a_mistake_ends_with_a_hint_and_no_traceback(arguments, message, tmp_path):
    command = [sys.executable, "main.py", *(a.format(tmp=tmp_path / "w") for a in arguments)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert message in run.stderr + run.stdout
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "w").exists()
