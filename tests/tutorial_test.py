"""docs/tutorial.md, done: its commands and its notebook, as a reader would run them."""

import csv
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests.reliability import small

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tutorial.md").read_text()
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# Beside the tutorial's own fields: what makes the run short, and keeps it in the test's folder.
SHORT = (
    "--config.data.cache_dir={folder}/cache",
    "--config.classifier.arms='synthetic','real'",
    "--config.classifier.seeds=1",
    "--config.explain.images=1",
    "--config.explain.repeats=1",
    *(f"--config.{field}={value}" for field, value in small.UNET.items()),
)


def commands(folder: pathlib.Path) -> list[list[str]]:
    """What the tutorial does: its commands, then its Python blocks as one notebook.

    A reader opens the notebook before the last command, which it needs only at its end. Opened
    once, it is loaded and compiled once.
    """
    found, notebook = [], ""
    for language, block in BLOCK.findall(TEXT):
        block = block.replace("/tmp/demo", f"{folder}/demo")
        if language == "bash":
            words = shlex.split(block.replace("\\\n", " "))
            assert words[:2] == ["python", "main.py"]
            found.append([sys.executable, *words[1:], *(s.format(folder=folder) for s in SHORT)])
        else:
            notebook += block
    return [*found, [sys.executable, "-c", notebook]]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder that the tutorial was done in, and what its notebook has printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for command in commands(folder):
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr[-2000:]
    return folder, run.stdout


def test_the_notebook_says_what_the_text_promises(done):
    folder, notebook = done
    lines = notebook.splitlines()
    assert lines[0] == "('glioma', 'meningioma', 'notumor', 'pituitary')"
    assert "fit (28, 16, 16, 1) uint8" in lines
    assert "synthetic (32, 16, 16, 1) uint8" in lines
    assert any(line.startswith("(4, 16, 16, 1) [") for line in lines)
    assert any(line.startswith("resnet18/real/all-0-s0: balanced accuracy 0.") for line in lines)
    assert (folder / "demo_why.png").stat().st_size > 10_000
    # A file and its pixels get one answer.
    of_file, of_pixels = re.findall(r"^\[\[.*\]\]$", notebook, re.MULTILINE)
    assert of_file == of_pixels


def test_the_folder_is_labelled(done):
    folder, notebook = done
    with (folder / "demo/predict/predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert str(rows[0]) in notebook
    assert len(list((folder / "demo" / "predict" / "lime").iterdir())) == 2
    assert "32 b'glioma/00000.png' 0" in notebook
