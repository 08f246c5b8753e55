"""The shape of the house: imports point down, and one door leads to the test images."""

import ast
import functools
import itertools
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "synthmed_jax"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
}
# Every room, a file or a folder of the package, and its floor. A room imports rooms of lower floors
# only. A new room gets its line here: a file in a room that is not listed fails.
FLOORS = {
    "cli": 11,
    "finished_run": 9,
    "runner": 10,
    "shard_run": 9,
    "failures": 8,
    "following": 8,
    "stages": 7,
    "settings": 6,
    "protocol": 5,
    "report": 5,
    "search": 5,
    "classifiers": 4,
    "diffusion": 4,
    "evaluation": 4,
    "audit": 5,
    "places": 4,
    "explain": 4,
    "kept_programs": 5,
    "arms": 4,
    "data": 3,
    "best_cells": 3,
    "verdicts": 3,
    "estimands": 3,
    "machine": 3,
    "conv": 3,
    "cost": 3,
    "checkpoint": 3,
    "remote": 2,
    "results": 2,
    "parallel": 2,
    "shares": 1,
    "checks": 2,
    "claims": 1,
    "shard": 1,
    "metrics_log": 2,
    "made_by": 2,
    "workdir": 2,
    "allocator": 1,
    "config_fields": 2,
    "csv_text": 2,
    "devices": 3,
    "durations": 1,
    "errors": 0,
    "rehearsal": 1,
    "event_files": 1,
    "field_history": 1,
    "figure_png": 1,
    "legible": 1,
    "litter": 1,
    "files": 1,
    "hosts": 1,
    "pulse": 0,
    "printable": 1,
    "pace": 1,
    "progress": 2,
    "terminal": 3,
    "statistics": 1,
    "stopping": 2,
}
# Who may see what is beyond `fit` and `val`.
DOOR = "synthmed_jax.data.held_out"
# It opens another tree of images and refuses the run's own.
BESIDE = "synthmed_jax.data.external"
# It decodes single files that a user names, of no known class.
UNLABELLED = "synthmed_jax.data.unlabelled"
TEST_READERS = {
    "synthmed_jax.finished_run",  # for a person, once the networks are tested
    "synthmed_jax.stages.audit",
    "synthmed_jax.stages.evaluate",
    "synthmed_jax.stages.explain",
}
# They know the part by its name: the door, its file, the report's numbers of images, a user's
# folders of that name, which are refused, and the arrays of that name in a MedMNIST file, which are
# put together with the others.
KNOW_THE_NAME = {
    DOOR,
    "synthmed_jax.data.split",
    "synthmed_jax.results.split",
    "synthmed_jax.data.sets.folder_names",
    "synthmed_jax.data.sets.folder",
    "synthmed_jax.data.sets.medmnist_file",
}


@functools.cache
def tree(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(path: pathlib.Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, which nearly every test here goes through."""
    return tuple(ast.walk(tree(path)))


def room(module: str) -> str:
    """The file or folder of the package that a module is in; "" is the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__init__" else ""


@functools.cache
def imported(path: pathlib.Path) -> frozenset[str]:
    """Modules and names of the package that a file imports, wherever in the file."""
    names = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    ours = ("synthmed_jax", "main", "configs")
    return frozenset(name for name in names if name.split(".")[0] in ours)


def test_every_room_has_its_floor():
    rooms = {room(module) for module in MODULES} - {""}
    assert rooms - set(FLOORS) == set(), "a room that is not in FLOORS"
    assert set(FLOORS) - rooms == set(), "a floor without its room"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module):
    for name in imported(MODULES[module]):
        assert not name.startswith(("main", "configs")), f"{module} imports {name}"
        above, below = room(module), room(name)
        if above and below not in ("", above):  # the package itself opens finished runs
            assert FLOORS[below] < FLOORS[above], f"{module} imports {name}"


def test_the_whole_data_set_is_opened_at_one_door():
    for module, path in MODULES.items():
        names = imported(path)
        if module not in (DOOR, BESIDE):
            assert not {n for n in names if n.startswith("synthmed_jax.data.loading")}, module
        if module != DOOR:
            assert not {n for n in names if n.startswith("synthmed_jax.data.split")}, module
            assert not {n for n in names if n.startswith("synthmed_jax.data.contact_sheet")}, module
        if module != "synthmed_jax.data.loading":
            assert not {n for n in names if n.startswith("synthmed_jax.data.records")}, module
        if module not in ("synthmed_jax.data.loading", UNLABELLED):
            assert not {n for n in names if n.startswith("synthmed_jax.data.decoding")}, module
        for node in nodes(path):
            # The closed data set's images, by name or by a look into the object.
            if isinstance(node, ast.Attribute) and node.attr in ("_whole", "__dict__"):
                assert module == DOOR, f"{module}:{node.lineno}"
            if isinstance(node, ast.Name) and node.id in ("getattr", "vars"):
                assert room(module) != "stages", f"{module}:{node.lineno}"


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        ("read_test", TEST_READERS),
        (
            "read_test_groups",
            {
                *("synthmed_jax.stages.evaluate", "synthmed_jax.stages.explain"),
                *("synthmed_jax.stages.pool", "synthmed_jax.stages.record"),
            },
        ),
        ("read_membership", {"synthmed_jax.stages.membership"}),
        ("open_tree", {"synthmed_jax.stages.run"}),
        ("external_tree", {"synthmed_jax.stages.external"}),
    ],
)
def test_only_evaluation_and_explanation_and_the_audit_read_the_test_images(door, expected):
    readers = set()
    for module, path in MODULES.items():
        for node in nodes(path):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
            if door in names:
                readers.add(module)
    assert readers == expected


def test_contact_sheets_are_drawn_for_a_person_alone():
    """They show images of all parts: no stage may go on with them."""
    users = {
        module
        for module, path in MODULES.items()
        for node in nodes(path)
        if (isinstance(node, ast.Attribute) and node.attr == "draw_contact_sheets")
        or (
            isinstance(node, ast.ImportFrom)
            and "draw_contact_sheets" in {alias.name for alias in node.names}
        )
    }
    assert users == {"synthmed_jax.stages.split"}


def test_nobody_else_knows_the_test_part_by_its_name():
    for module, path in MODULES.items():
        if module in KNOW_THE_NAME:
            continue
        for node in nodes(path):
            where = f"{module}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Constant):
                # The report's tables have a column of that name.
                assert node.value != "test" or room(module) == "report", where
            if isinstance(node, ast.Attribute):
                assert node.attr != "test" or room(module) == "report", where


def users_of(*words: str) -> dict[str, set[str]]:
    """Word -> modules that name it as an attribute or import from a package of that name."""
    users: dict[str, set[str]] = {word: set() for word in words}
    for (module, path), word in itertools.product(MODULES.items(), words):
        for node in nodes(path):
            named = isinstance(node, ast.Attribute) and node.attr == word
            packages = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                packages = [node.module or ""]
            if named or any(package.split(".")[0] == word for package in packages):
                users[word].add(module)
    return users


def test_some_libraries_are_behind_one_door():
    doors = {
        "pmap": {"synthmed_jax.parallel"},
        "orbax": {"synthmed_jax.checkpoint"},
        "cattrs": {"synthmed_jax.results.stored"},
        "fsspec": {"synthmed_jax.remote.store"},
        "tensorboardX": {"synthmed_jax.event_files"},
    }
    assert users_of(*doors) == doors


def test_devices_are_counted_and_listed_in_one_place():
    names = {"local_device_count", "device_count", "local_devices", "devices"}
    users = set()
    for module, path in MODULES.items():
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "jax":
                found = {node.attr}
            elif isinstance(node, ast.ImportFrom) and node.module == "jax":
                found = {alias.name for alias in node.names}
            else:
                continue
            if names & found:
                users.add(module)
    assert users == {"synthmed_jax.parallel"}


def test_config_dicts_and_flags_stop_at_the_door():
    allowed = {
        "ml_collections": {f"synthmed_jax.{n}" for n in ("cli", "settings", "protocol", "runner")},
        "absl": {"synthmed_jax.cli"},
    }
    for library, users in users_of(*allowed).items():
        assert users <= allowed[library], library


def test_no_torch_and_no_tensorflow():
    assert not {"torch", "tensorflow"} & set(sys.modules)
    assert users_of("torch", "tensorflow") == {"torch": set(), "tensorflow": set()}


def test_every_module_says_what_it_is():
    for module, path in MODULES.items():
        assert ast.get_docstring(tree(path)), module


def test_no_device_is_touched_by_importing():
    # jax_num_cpu_devices can be set only before the first JAX operation.
    code = (
        "import jax, synthmed_jax.runner\n"
        "jax.config.update('jax_num_cpu_devices', 3)\n"
        "assert jax.local_device_count() == 3"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


ANY_PER_THOUSAND_LINES = 8


def test_any_is_rare():
    """What one stage hands to another is typed; `Any` stays where a library's values are."""
    count = lines = 0
    for path in MODULES.values():
        lines += path.read_text(encoding="utf-8").count("\n")
        count += sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes(path))
    assert 1000 * count / lines <= ANY_PER_THOUSAND_LINES
