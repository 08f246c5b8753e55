"""Leaks that are planted in a copy of the package: each must be found by architecture_test.py."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
REAL = "    return run.inputs.parts.val\n"
# What the search's judge becomes, the imports it takes, and the test that finds it.
LEAKS = {
    "by the planned split": (
        "    return run.data.images.subset(run.planned_split.test)\n",
        "",
        "knows_the_test_part_by_its_name",
    ),
    "by the door": (
        "    return held_out.read_test(run.workdir.split, run.inputs.data)\n",
        "from synthmed_jax.data import held_out\n",
        "only_evaluation_and_explanation",
    ),
    "by the door's function": (
        "    return read_test(run.workdir.split, run.inputs.data)\n",
        "from synthmed_jax.data.held_out import read_test\n",
        "only_evaluation_and_explanation",
    ),
    "by loading everything": (
        "    return load_images(run.settings.data).images\n",
        "from synthmed_jax.data.loading import load_images\n",
        "opened_at_one_door",
    ),
    "by the closed set's images": (
        "    return run.inputs.data._whole.images\n",
        "",
        "opened_at_one_door",
    ),
    "by decoding everything": (
        "    return decode_all(*run.everything)\n",
        "from synthmed_jax.data.decoding import decode_all\n",
        "opened_at_one_door",
    ),
    "by the contact sheets": (
        "    return held_out.draw_contact_sheets(run.inputs.data, run.workdir.tune)\n",
        "from synthmed_jax.data import held_out\n",
        "contact_sheets",
    ),
    "by the contact sheets' function": (
        "    return draw_contact_sheets(run.inputs.data, run.workdir.tune)\n",
        "from synthmed_jax.data.held_out import draw_contact_sheets\n",
        "contact_sheets",
    ),
    "by a look into the object": (
        '    return getattr(run.inputs.data, "_wh" + "ole")\n',
        "",
        "opened_at_one_door",
    ),
    "by the list in split.json": (
        '    return read_json(run.workdir.split)["test"]\n',
        "from synthmed_jax.files import read_json\n",
        "knows_the_test_part_by_its_name",
    ),
    "by dividing again": (
        "    return divide(*run.everything)\n",
        "from synthmed_jax.data.split import divide\n",
        "opened_at_one_door",
    ),
}


@pytest.fixture
def copied(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "synthmed_jax", tmp_path / "synthmed_jax", ignore=ignored)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "architecture_test.py", tmp_path / "tests")
    return tmp_path


def failures(root: pathlib.Path, which: str = "not device") -> str:
    """Names of the tests that fail there, among those that pytest's -k finds by `which`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "-k", which]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert "no tests ran" not in run.stdout
    return "\n".join(line for line in run.stdout.splitlines() if line.startswith("FAILED"))


def test_a_copy_without_a_leak_passes(copied):
    assert failures(copied) == ""


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(copied, leak):
    body, imports, finder = LEAKS[leak]
    path = copied / "synthmed_jax" / "stages" / "trials.py"
    text = path.read_text()
    assert REAL in text
    docstring, future = text.split("from __future__ import annotations\n", 1)
    text = f"{docstring}from __future__ import annotations\n{imports}{future}"
    path.write_text(text.replace(REAL, body))
    assert finder in failures(copied, finder)


def test_a_room_without_a_floor_is_found(copied):
    (copied / "synthmed_jax" / "extras").mkdir()
    (copied / "synthmed_jax" / "extras" / "peek.py").write_text('"""A room of its own."""\n')
    assert "every_room" in failures(copied, "every_room_has_its_floor")


def test_an_import_that_points_up_is_found(copied):
    path = copied / "synthmed_jax" / "data" / "warp.py"
    path.write_text(path.read_text() + "\nfrom synthmed_jax.stages import base  # noqa\n")
    assert "data.warp" in failures(copied, "imports_point_down")
