"""What no linter knows of the Dockerfile: that it fits this repository."""

import ast
import pathlib
import re
import shlex
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile and what follows each, lines that go on put together."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name.upper(), rest) for name, rest in found]


TEXT = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = instructions(TEXT)
ARGUMENTS = dict(rest.split("=", 1) for name, rest in INSTRUCTIONS if name == "ARG")


def of(wanted: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == wanted]


def copied() -> list[str]:
    """What it copies out of the repository."""
    return [source for rest in of("COPY") for source in shlex.split(rest)[:-1]]


def test_instructions_are_read_with_their_continued_lines():
    text = "# FROM other\nfrom python:3\nRUN a \\\n    && b\n\nUSER 1\n"
    assert instructions(text) == [("FROM", "python:3"), ("RUN", "a      && b"), ("USER", "1")]


def test_what_is_copied_is_there():
    assert copied()
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_only_what_is_copied_is_sent_to_the_builder():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())
    assert [rule for rule in rules[1:] if not rule.startswith("!")] == ["**/__pycache__"]


def test_its_python_is_one_that_is_supported():
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    low, high = (
        tuple(map(int, version.split("."))) for version in re.findall(r"[\d.]+", supported)
    )
    assert low <= tuple(map(int, ARGUMENTS["PYTHON"].split("."))) < high
    assert of("FROM") == ["python:${PYTHON}-slim-trixie"]


def test_packages_are_those_of_the_requirements_files():
    installed = re.findall(r"pip install (.*)", "\n".join(of("RUN")))
    assert installed == ['--no-cache-dir -r "${REQUIREMENTS}" -r requirements-formats.txt']
    assert ARGUMENTS["REQUIREMENTS"] == "requirements.txt"
    named = set(re.findall(r"requirements[\w-]*\.txt", TEXT))
    assert named <= set(copied())
    included = {line for name in named for line in (ROOT / name).read_text().splitlines()}
    assert {line.split()[1] for line in included if line.startswith("-r ")} <= named


def test_it_ends_as_a_user_without_rights_and_starts_the_program():
    assert of("USER") == ["1000:1000"]
    *_, (last, command) = INSTRUCTIONS
    assert last == "ENTRYPOINT"
    program, script = ast.literal_eval(command)
    assert (program, pathlib.PurePosixPath(script).name) == ("python", "main.py")
    assert str(pathlib.PurePosixPath(script).parent) == of("WORKDIR")[0]


@pytest.mark.parametrize("folder", ["/data", "/runs", "/cache"])
def test_images_workdirs_and_caches_lie_outside_of_it(folder):
    assert folder in ast.literal_eval(of("VOLUME")[0])
    assert folder in (ROOT / "BUILD.md").read_text()


def test_the_document_gives_its_arguments_as_they_are():
    build = (ROOT / "BUILD.md").read_text()
    given = re.findall(r"--build-arg (\w+)=(\S+)", build)
    assert ("REQUIREMENTS", "requirements-cuda.txt") in given
    assert {name for name, _ in given} <= set(ARGUMENTS)
