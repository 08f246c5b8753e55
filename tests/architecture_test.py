"""The shape of the house: imports point down, nothing that chooses can reach the test images."""

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "synthmed_jax"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
}
# Upper rooms may import lower ones, never the other way round; rooms of one floor, not each other.
FLOORS = {
    "cli": 9,
    "runner": 8,
    "expected": 7,
    "stages": 6,
    "classifier_stages": 5,
    "diffusion_stages": 4,
    "tune_stage": 4,
    "experiment": 3,
    "settings": 2,
    "diffusion": 1,
    "classifiers": 1,
    "evaluation": 1,
    "explain": 1,
    "report": 1,
}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imported(path: pathlib.Path) -> set[str]:
    """Modules of the package that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("synthmed_jax", "main", "configs")}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module):
    own = room(module)
    for name in imported(MODULES[module]):
        assert not name.startswith(("main", "configs")), f"{module} imports {name}"
        other = room(name)
        if other != own:
            above, below = FLOORS.get(own, 0), FLOORS.get(other, 0)
            assert below < above or below == 0, f"{module} imports {name}"


def test_only_evaluation_and_explanation_can_open_the_test_images():
    readers = {m for m, path in MODULES.items() if "synthmed_jax.data.held_out" in imported(path)}
    assert readers == {"synthmed_jax.evaluation.on_real_images", "synthmed_jax.explain.gallery"}
    # Nor does anybody else look the part up by its name in a loaded split.json.
    for module, path in MODULES.items():
        subscripts = [
            node.slice.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        ]
        assert ("test" in subscripts) == (module == "synthmed_jax.data.held_out"), module


def test_some_libraries_are_behind_one_door():
    doors = {"pmap": {"synthmed_jax.parallel"}, "orbax": {"synthmed_jax.checkpoint"}}
    for word, allowed in doors.items():
        users = set()
        for module, path in MODULES.items():
            for node in ast.walk(ast.parse(path.read_text())):
                called = isinstance(node, ast.Attribute) and node.attr == word
                named = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(word)
                if called or named:
                    users.add(module)
        assert users == allowed, word


def test_config_dicts_and_flags_stop_at_the_door():
    allowed = {
        "ml_collections": {
            f"synthmed_jax.{name}" for name in ("settings", "protocol", "runner", "cli")
        },
        "absl": {"synthmed_jax.cli"},
    }
    for library, modules in allowed.items():
        users = set()
        for module, path in MODULES.items():
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if any(name.split(".")[0] == library for name in names):
                    users.add(module)
        assert users <= modules, library


def test_no_torch_and_no_tensorflow():
    assert not {"torch", "tensorflow"} & set(sys.modules)
    for module, path in MODULES.items():
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not {"torch", "tensorflow"} & names, module


def test_every_module_says_what_it_is():
    for module, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text())), module


def test_no_device_is_touched_by_importing():
    # jax_num_cpu_devices can be set only before the first JAX operation.
    import subprocess

    code = (
        "import jax, synthmed_jax.runner\n"
        "jax.config.update('jax_num_cpu_devices', 3)\n"
        "assert jax.local_device_count() == 3"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
