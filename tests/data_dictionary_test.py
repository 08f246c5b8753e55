"""docs/data_dictionary.md against the typed results, and against the files of a real run."""

import csv
import dataclasses
import importlib
import json
import pkgutil
import shutil

import pytest

import synthmed_jax
from synthmed_jax import runner
from synthmed_jax.report.card import Tone
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.stored import SEAL, Stored
from tests import data_dictionary
from tests.data_dictionary import BESIDE, DOCUMENT, IN_CACHE, OTHERS, TABLES, TYPED


def test_the_document_is_what_the_results_say():
    assert DOCUMENT.read_text(encoding="utf-8") == data_dictionary.render(), (
        "write it anew: python -m tests.data_dictionary"
    )


def test_every_typed_file_has_its_entry():
    for module in pkgutil.walk_packages(synthmed_jax.__path__, "synthmed_jax."):
        importlib.import_module(module.name)
    kinds = {
        kind.__name__
        for kind in Stored.__subclasses__()
        if kind.__module__.startswith("synthmed_jax.")
    }
    assert kinds - {kind.__name__ for kind in TYPED.values()} == IN_CACHE


def test_a_cell_is_told_as_it_is_written():
    cell = [field.name for field in dataclasses.fields(Cell)]
    assert list(TABLES["evaluate/predictions.csv"])[: len(cell)] == cell


@dataclasses.dataclass(frozen=True)
class _Example:
    """An example.

    Attributes:
      one, two: both, on
        two lines.
      three: |.

    Raises nothing.
    """

    one: int
    two: float | None
    three: tuple[str, ...]
    four: dict[str, bool]
    five: Tone


def test_meanings_are_those_of_the_docstring():
    assert data_dictionary.meanings(_Example) == {
        "one": "both, on two lines.",
        "two": "both, on two lines.",
        "three": "|.",
        "four": "",
        "five": "",
    }
    assert data_dictionary._fields(_Example)[2:-1] == [
        "| `one` | whole number: both, on two lines. |",
        "| `two` | number or null: both, on two lines. |",
        "| `three` | list of text: \\|. |",
        "| `four` | object of true or false |",
        '| `five` | "yes" or "no" or "open" or "missing" |',
    ]


@pytest.fixture(scope="module")
def workdir(finished_phantoms, phantom_config, tmp_path_factory):
    """A run with its card, and answers to new images."""
    copied = shutil.copytree(finished_phantoms, tmp_path_factory.mktemp("dictionary") / "run")
    new = str(copied / "synthetic" / "glioma")
    runner.run(phantom_config(predict__dir=new), copied, ["predict", "card"])
    return copied


def test_every_file_of_a_run_has_its_entry(workdir):
    told = {
        path
        for glob in (*TYPED, *TABLES, *OTHERS, "synthetic/manifest.csv")
        for path in workdir.glob(glob)
    }
    found = {
        path
        for path in workdir.rglob("*")
        if path.suffix in (".csv", ".json", ".jsonl")
        and not {"best", "checkpoint", "checkpoints"} & set(path.parts)
    }
    assert len(found) > 20
    assert found - told == set()


def test_every_field_of_a_runs_files_is_told(workdir):
    seen = 0
    for glob, kind in TYPED.items():
        known = {field.name for field in dataclasses.fields(kind)}
        known |= {"version", SEAL, *BESIDE.get(glob, ())}
        for path in workdir.glob(glob):
            text = path.read_text()
            documents = [text] if path.suffix == ".json" else text.splitlines()
            for document in documents:
                assert set(json.loads(document)) <= known, path
                seen += 1
    assert seen > 20


def test_every_column_of_a_runs_tables_is_told(workdir):
    names = synthmed_jax.load(workdir).class_names
    tables = {"synthetic/manifest.csv": data_dictionary._manifest(), **TABLES}
    for glob, columns in tables.items():
        for path in workdir.glob(glob):
            with path.open(newline="") as stream:
                heading = next(csv.reader(stream))
            told = list(columns)
            if told[-1] == "p_<class>":
                told[-1:] = [f"p_{name}" for name in names]
            assert heading == told, path
