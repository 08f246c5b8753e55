"""docs/tutorial.md, done: its blocks run one after the other, as a reader would run them."""

import csv
import os
import pathlib
import re
import shlex
import subprocess
import sys

import jax
import pytest

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
)


def steps(folder: pathlib.Path) -> list[list[str]]:
    """The commands of the tutorial: Python blocks between two commands are one notebook."""
    found: list[list[str]] = []
    for language, block in BLOCK.findall(TEXT):
        block = block.replace("/tmp/demo", f"{folder}/demo")
        if language == "bash":
            words = shlex.split(block.replace("\\\n", " "))
            assert words[:2] == ["python", "main.py"]
            found.append([sys.executable, *words[1:], *(s.format(folder=folder) for s in SHORT)])
        elif found and found[-1][1] == "-c":
            found[-1][2] += block
        else:
            found.append([sys.executable, "-c", block])
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each step of the tutorial has printed, and the folder that it was done in."""
    folder = tmp_path_factory.mktemp("tutorial")
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": jax.config.values["jax_compilation_cache_dir"],
        "PYTHONPATH": str(ROOT),
    }
    texts, notebook = [], ""
    for command in steps(folder):
        if command[1] == "-c":  # a notebook goes on with what it has
            notebook += command[2]
            command[2] = notebook
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr[-2000:]
        texts.append(run.stdout)
    return folder, texts


def test_the_notebook_says_what_the_text_promises(said):
    folder, (_, notebook, _, _) = said
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


def test_the_folder_is_labelled(said):
    folder, (*_, last) = said
    with (folder / "demo/predict/predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert str(rows[0]) in last
    assert len(list((folder / "demo" / "predict" / "lime").iterdir())) == 2
    assert "32 b'glioma/00000.png' 0" in last
