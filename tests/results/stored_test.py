import dataclasses
import importlib
import json
import math
import pathlib
import pkgutil
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmed_jax import results
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.results.cells import Choice, FoldResult, InitialWeights, SetScores
from synthmed_jax.results.evaluation import BestNetwork, Evaluation
from synthmed_jax.results.marker import Marker
from synthmed_jax.results.stored import Stored, structure, unstructure
from synthmed_jax.results.sweep import SweepRow

for module in pkgutil.iter_modules(results.__path__, "synthmed_jax.results."):
    importlib.import_module(module.name)
KINDS = sorted(Stored.__subclasses__(), key=lambda kind: kind.__name__)
RESULT = FoldResult(
    best_epoch=2, train_loss=0.5, train_accuracy=0.75, val_loss=0.625, val_accuracy=0.5,
    epochs=3, stopped="patience", choices={"fold": Choice(2, {"fold": SetScores(0.625, 0.5)})},
    passes_per_epoch=1, steps=12, selected_by="fold", batch_size=8,
    initial=InitialWeights("random"), num_train=32, num_val=16, seconds=1.5, images_per_second=64.0,
)  # fmt: skip


def test_every_kind_of_file_is_tested():
    assert {FoldResult, Evaluation, Marker} < set(KINDS)
    assert len(KINDS) >= 10


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_is_read_again(kind, data, tmp_path_factory):
    stored = data.draw(st.from_type(kind))
    path = tmp_path_factory.getbasetemp() / f"{kind.__name__}.json"
    stored.write(path)
    assert kind.read(path) == stored
    assert json.loads(path.read_text()).get("version", 1) == kind.VERSION


def test_the_file_holds_the_fields_and_leaves_defaults_out(tmp_path):
    RESULT.write(tmp_path / "result.json")
    document = json.loads((tmp_path / "result.json").read_text())
    fields = [field.name for field in dataclasses.fields(FoldResult)]
    assert list(document) == [
        name for name in fields if name not in ("made_by", "weights", "log")
    ] + ["seal"]
    assert document["initial"] == {"weights": "random"}
    assert document["choices"] == {
        "fold": {"epoch": 2, "scores": {"fold": {"loss": 0.625, "accuracy": 0.5}}}
    }


def test_infinity_is_a_text_and_what_json_lacks_is_never_written(tmp_path):
    path = tmp_path / "result.json"
    dataclasses.replace(RESULT, val_loss=math.inf).write(path)
    assert json.loads(path.read_text())["val_loss"] == "inf"
    assert FoldResult.read(path).val_loss == math.inf
    before = path.read_bytes()
    for number in (math.nan, -math.inf):
        with pytest.raises(ValueError, match="JSON"):
            dataclasses.replace(RESULT, val_loss=number).write(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def unsealed(path):
    """A file's content as earlier versions wrote it: without its seal."""
    document = json.loads(path.read_text())
    del document["seal"]
    return document


def test_a_file_that_was_edited_is_damaged(tmp_path):
    path = tmp_path / "result.json"
    RESULT.write(path)
    text = path.read_text()
    path.write_text(text.replace("0.625", "0.125"))
    with pytest.raises(Damaged, match=r"result\.json is damaged: .* it was changed or edited"):
        FoldResult.read(path)
    # In another order, or laid out otherwise, it says the same.
    document = json.loads(text)
    path.write_text(json.dumps(dict(reversed(document.items()))))
    assert FoldResult.read(path) == RESULT
    path.write_text(json.dumps(unsealed(path)))
    assert FoldResult.read(path) == RESULT


def changed(document, keys, value):
    """A deep copy with another value at a path of keys; None: without that key."""
    document = json.loads(json.dumps(document))
    *outer, last = keys
    inner = document
    for key in outer:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return document


@pytest.mark.parametrize(
    ("keys", "value", "fault"),
    [
        (["val_loss"], None, "val_loss: required field missing"),
        (["initial", "weights"], None, "initial.weights: required field missing"),
        (["choices", "fold", "epoch"], None, "choices['fold'].epoch: required field missing"),
        (["colour"], "red", "unknown fields: colour"),
        (["initial", "colour"], "red", "initial: unknown fields: colour"),
        (["best_epoch"], "2", "best_epoch: expected int, got '2'"),
        (["best_epoch"], 2.0, "best_epoch: expected int, got 2.0"),
        (["best_epoch"], True, "best_epoch: expected int, got True"),
        (["stopped"], 1, "stopped: expected str, got 1"),
        (["seconds"], "1.5", "seconds: expected a finite number, got '1.5'"),
        (["seconds"], True, "seconds: expected a finite number, got True"),
        (["seconds"], math.nan, "seconds: expected a finite number, got nan"),
        (["initial"], ["random"], "initial: expected an object, got ['random']"),
        (["initial"], "random", "initial: expected an object, got 'random'"),
        (["choices"], ["fold"], "choices: expected an object"),
        (
            ["choices", "fold", "scores", "fold", "loss"],
            [0.5],
            "choices['fold'].scores['fold'].loss: expected a finite number, got [0.5]",
        ),
    ],
)
def test_a_faulty_field_is_named_with_its_file_and_version(tmp_path, keys, value, fault):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(changed(RESULT.to_document(), keys, value)))
    where = f"{path} (version 1 of FoldResult) can't be read: {fault}. It was edited"
    with pytest.raises(UserError, match=re.escape(where)):
        FoldResult.read(path)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("abc", "units: expected a list, got 'abc'"),
        ({"a": 1}, "units: expected a list, got {'a': 1}"),
        ([1, "a", 2], "units[0]: expected str, got 1; units[2]: expected str, got 2."),
        ([1, 2, 3, 4, 5], "units[2]: expected str, got 3 and 2 more."),
    ],
)
def test_a_list_is_neither_a_text_nor_an_object(tmp_path, value, fault):
    path = tmp_path / "split.json"
    Marker("finished", {}, {}, ()).write(path)
    path.write_text(json.dumps(unsealed(path) | {"units": value}))
    with pytest.raises(UserError, match=re.escape(fault)):
        Marker.read(path)


def test_a_pair_has_two_entries():
    row = {
        "sampler": "ddpm", "steps": 1, "evaluations": 1, "distances": [1], "nearness": [None],
        "images_per_second": 1.0, "difference": 1.0, "difference_interval": [0.5, 2],
    }  # fmt: skip
    read = structure([row], tuple[SweepRow, ...], "here")
    assert read[0].difference_interval == (0.5, 2.0)
    with pytest.raises(
        UserError, match=r"^here can't be .*\[0\]\.difference_interval: .* list of 2"
    ):
        structure([row | {"difference_interval": [0.5]}], tuple[SweepRow, ...], "here")


@pytest.mark.parametrize("n", [None, 8, (8, 20)])
def test_a_cells_amount_is_null_a_number_or_a_list(n):
    cell = {"backbone": "a", "arm": "b", "ratio": "inf", "seed": 0, "fold": 0, "rule": "c"}
    listed = list(n) if isinstance(n, tuple) else n
    read = structure(cell | {"n": listed}, BestNetwork, "here")
    assert read == BestNetwork("a", "b", n, math.inf, 0, 0, "c")
    assert json.loads(json.dumps(unstructure(read))) == cell | {"n": listed}


@pytest.mark.parametrize(
    ("n", "fault"),
    [("8", "n: expected int, got '8'"), ([8, "9"], r"n\[1\]: expected int, got '9'")],
)
def test_another_amount_is_refused(n, fault):
    cell = {"backbone": "a", "arm": "b", "ratio": "inf", "seed": 0, "fold": 0, "rule": "c"}
    with pytest.raises(UserError, match=fault):
        structure(cell | {"n": n}, BestNetwork, "here")


def test_a_status_that_there_is_not_is_refused(tmp_path):
    path = tmp_path / "split.json"
    dataclasses.replace(Marker("started", {}, {}, ()), status="done").write(path)
    with pytest.raises(UserError, match=r"version 2 of Marker.*status: done .*started.*finished"):
        Marker.read(path)


@pytest.mark.parametrize("version", [0, 3, "2", True, 2.0, None])
def test_another_version_is_refused_and_named(tmp_path, version):
    path = tmp_path / "split.json"
    Marker("finished", {}, {}, ()).write(path)
    path.write_text(json.dumps(unsealed(path) | {"version": version}))
    named = rf"split\.json is of version {version!r}, .* reads Marker up to version 2: use the"
    with pytest.raises(UserError, match=named):
        Marker.read(path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is damaged: it is no JSON"),
        (b'{"best_epoch": 2', "is damaged: it is no JSON"),
        (b"\xff\xfe", "is damaged: it is no JSON"),
        (b"[]", "is damaged: it holds no JSON object"),
        (b"null", "is damaged: it holds no JSON object"),
    ],
)
def test_what_is_no_json_object_is_damaged(tmp_path, content, fault):
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(f"{path} {fault}")):
        FoldResult.read(path)


def test_a_file_that_is_not_there(tmp_path: pathlib.Path):
    assert FoldResult.read_if_there(tmp_path / "result.json") is None
    with pytest.raises(FileNotFoundError):
        FoldResult.read(tmp_path / "result.json")
    RESULT.write(tmp_path / "result.json")
    assert FoldResult.read_if_there(tmp_path / "result.json") == RESULT
    assert FoldResult.read_fold(tmp_path) == RESULT


def test_a_seal_on_what_is_never_written_is_damage(tmp_path):
    path = tmp_path / "split.json"
    Marker("finished", {"a": 1}, {}, ()).write(path)
    sealed = path.read_text()
    for value in ("NaN", '{"a": ' * 600 + "1" + "}" * 600):
        path.write_text(sealed.replace('"a": 1', f'"a": {value}'))
        with pytest.raises(Damaged, match="it was changed or edited"):
            Marker.read(path)


@pytest.mark.parametrize(("n", "ratio"), [("8", "1" + "0" * 400), ("Infinity", "1")])
def test_numbers_that_no_version_wrote(tmp_path, n, ratio):
    path = tmp_path / "metrics.json"
    cell = f'{{"backbone": "a", "arm": "b", "n": {n}, "ratio": {ratio}, "seed": 0}}'
    path.write_text(f'{{"cells": [], "best": {cell}}}')
    with pytest.raises(UserError, match="not as that version writes it"):
        Evaluation.read(path)
