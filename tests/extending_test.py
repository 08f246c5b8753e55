"""docs/extending.md, done: a copy of the program gets what it says, and runs."""

import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.results.section import Section

ROOT = pathlib.Path(__file__).parents[1]
BLOCK = re.compile(r"```python\n# (\S+) \(([^\n]*)\)\n(.*?)```", re.DOTALL)
PLACE = re.compile(r"(after|before) the line `(.*)`")


def extend(root: pathlib.Path) -> set[str]:
    """Makes the changes in a copy; returns the files that they touch."""
    touched = set()
    for name, what, text in BLOCK.findall((ROOT / "docs" / "extending.md").read_text()):
        path = root / name
        touched.add(name)
        if what == "new file":
            assert not path.exists(), name
            path.write_text(text)
            continue
        where, line = PLACE.fullmatch(what).groups()
        lines = path.read_text().splitlines(keepends=True)
        places = [i for i, each in enumerate(lines) if each.strip() == line]
        assert places, f"{name} has no line {line!r}"
        place = places[0] + (where == "after")
        lines.insert(place, text)
        path.write_text("".join(lines))
    return touched


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    root = tmp_path_factory.mktemp("extended")
    for name in ("synthmed_jax", "configs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "main.py", root)
    return root, extend(root)


def test_a_stage_touches_at_most_four_files(extended):
    _, touched = extended
    of_others = {n for n in touched if "data/sets" in n or "networks" in n}
    assert len(touched - of_others) <= 4


def test_what_the_document_adds_runs(extended, tmp_path):
    root, _ = extended
    rng = np.random.default_rng(0)
    for name, axis in (("across", 0), ("down", 1)):
        for i in range(40):
            stripes = np.repeat(rng.integers(0, 256, (16, 1), dtype=np.uint8), 16, axis=1)
            image = stripes if axis == 0 else stripes.T
            path = tmp_path / "images" / f"{name}-{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(path)
    workdir = tmp_path / "run"
    arguments = [
        "--config=configs/folder_ddpm.py:smoke",
        f"--workdir={workdir}",
        "--config.data.name=stripes",
        f"--config.data.dir={tmp_path / 'images'}",
        f"--config.data.cache_dir={tmp_path / 'cache'}",
        "--config.classifier.backbone=tiny",
        "--config.brightness.level=0.9",
        # The smallest generator: what it draws does not matter here.
        "--config.cpu_devices=1",
        "--config.diffusion.unet.multipliers=(1,)",
        "--config.diffusion.unet.patch=2",
        "--config.diffusion.unet.middle_attention=False",
        "--config.generate.steps=3",
        "--stages=split,diffusion,generate,brightness,classify",
    ]
    run = subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "brightness: done" in run.stdout
    assert (workdir / "brightness" / "brightness.json").exists()
    assert (workdir / "classify/tiny/synthetic/8-inf-s0/training0/result.json").exists()
    section = Section.read(workdir / "brightness" / "section.json")
    assert (section.title, section.tables[0].rows[0].name) == ("Brightness", "across")
