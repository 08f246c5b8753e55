"""What BUILD.md says that the program prints is what it prints."""

import ast
import pathlib
import re
import subprocess

import pytest

from synthmed_jax.stages import STAGES

ROOT = pathlib.Path(__file__).parents[1]
BUILD = (ROOT / "BUILD.md").read_text(encoding="utf-8")
DOTS = "\N{HORIZONTAL ELLIPSIS}"


def section(title: str) -> str:
    return BUILD.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def texts(path: pathlib.Path) -> list[str]:
    """The texts in a file of Python; each value that one is filled with is a dot."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "." for part in node.values]
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


MESSAGES = re.findall(r"^\| `(.+?)` \|", section("When it does not work"), re.MULTILINE)
PRINTED = [
    *(text for path in sorted((ROOT / "synthmed_jax").rglob("*.py")) for text in texts(path)),
    *(ROOT / "Makefile").read_text().splitlines(),
]


def test_messages_are_read_with_their_values_as_dots(tmp_path):
    file = tmp_path / "a.py"
    file.write_text('x = 1\nraise E(f"no {x} at "\n  f"{x:.1f} m", "end")\n')
    assert {"no . at . m", "end"} <= set(texts(file))


def test_there_are_messages():
    assert len(MESSAGES) > 10


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_are_the_programs(message):
    pattern = re.compile(".+".join(re.escape(part) for part in message.split(DOTS)))
    assert [text for text in PRINTED if pattern.search(text)]


def test_the_script_for_slurm_is_one():
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", section("Clusters"), re.DOTALL)
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert checked.stderr == ""
    assert script.count("$SLURM_ARRAY_TASK_ID") == 2


def test_links_within_the_document_lead_to_its_sections():
    titles = re.findall(r"^#+ (.*)$", BUILD, re.MULTILINE)
    anchors = {title.lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", BUILD)) <= anchors


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_every_stage_is_in_the_documents(stage):
    named = re.compile(rf"^\| {stage} \||`{stage}`", re.MULTILINE)
    assert named.search(section("Stages"))
    assert f"`{stage}`" in (ROOT / "README.md").read_text(encoding="utf-8")
