"""New images are labelled as the notebook's networks label them, and no file is lost."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

import synthmed_jax
from synthmed_jax import runner
from synthmed_jax.data import unlabelled
from synthmed_jax.errors import UserError
from synthmed_jax.results.inventory import ClassInventory
from synthmed_jax.results.predictions import Predictions
from synthmed_jax.stages import predict


@pytest.fixture
def workdir(finished_phantoms, tmp_path):
    return shutil.copytree(finished_phantoms, tmp_path / "run")


@pytest.fixture
def new(finished_phantoms, tmp_path):
    folder = tmp_path / "new"
    (folder / "sub").mkdir(parents=True)
    for i, name in enumerate(("glioma", "notumor")):
        file = finished_phantoms / "synthetic" / name / "00001.png"
        shutil.copy(file, folder / f"{i}.png")
        with Image.open(file) as image:
            image.resize((40, 30)).convert("RGB").save(folder / "sub" / f"={i}.jpg")
    (folder / "bad.png").write_text("no image")
    (folder / "notes.txt").write_text("words")
    return folder


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_new_images_are_labelled_and_the_others_listed(workdir, new, phantom_config, capsys):
    config = phantom_config(predict__dir=str(new), predict__explain="1.png,sub/*1*")
    runner.run(config, workdir, ["predict"])
    said = capsys.readouterr().out
    assert "2 files gave no image, each named with its reason" in said
    assert "fitted on 4 val images" in said
    rows = rows_of(workdir / "predict" / "predictions.csv")
    assert list(rows[0]) == [
        "file",
        "class",
        "p_glioma",
        "p_meningioma",
        "p_notumor",
        "p_pituitary",
    ]
    files = ["0.png", "1.png", "sub/=0.jpg", "sub/=1.jpg"]
    assert [row["file"] for row in rows] == files
    run = synthmed_jax.load(workdir)
    expected = run.network().predict([new / file for file in files])
    found = np.array([[float(row[f"p_{name}"]) for name in run.class_names] for row in rows])
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    answers = [run.class_names[i] for i in expected.argmax(axis=1)]
    assert [row["class"] for row in rows] == answers
    left_out = {row["file"]: row["reason"] for row in rows_of(workdir / "predict" / "left_out.csv")}
    assert left_out == {"bad.png": "unreadable", "notes.txt": "no image by its ending (.txt)"}
    stored = Predictions.read(workdir / "predict" / "predict.json")
    assert stored.temperature == pytest.approx(run.network().temperature)
    assert (stored.num_val, stored.left_out, sum(stored.counts.values())) == (4, 2, 4)
    assert set(stored.explanations) == {"1.png", "sub/=1.jpg"}
    for path in stored.explanations.values():
        with Image.open(workdir / path) as picture:
            assert picture.width > 100
    # The same again does no work; another image, network or picture does.
    capsys.readouterr()
    runner.run(config, workdir, ["predict"])
    assert "predict: finished, nothing to do" in capsys.readouterr().out
    (new / "0.png").unlink()
    runner.run(phantom_config(predict__dir=str(new), predict__arm="real"), workdir, ["predict"])
    stored = Predictions.read(workdir / "predict" / "predict.json")
    assert (stored.network.arm, stored.explanations) == ("real", {})
    assert len(rows_of(workdir / "predict" / "predictions.csv")) == 3
    assert not (workdir / "predict" / "lime").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"name their folder, --config\.predict\.dir=<folder>"),
        ({"predict__dir": "{tmp}/nowhere"}, "nowhere is no folder"),
        ({"predict__dir": "{tmp}/empty"}, r"holds no image \(no file\)"),
        ({"predict__dir": "{tmp}/words"}, r"holds no image \(no image by its ending"),
        ({"predict__dir": "{tmp}"}, "what is written there would be labelled too"),
        ({"predict__dir": "{tmp}/new", "predict__arm": "rael"}, "did you mean 'real'"),
        ({"predict__dir": "{tmp}/new", "predict__explain": "2*"}, "matches no image"),
    ],
)
def test_what_can_not_be_labelled_is_refused_before_any_work(
    changes, message, workdir, new, phantom_config, tmp_path
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").touch()
    given = {field: value.format(tmp=tmp_path) for field, value in changes.items()}
    with pytest.raises(UserError, match=message):
        runner.run(phantom_config(**given), workdir, ["predict"])
    assert not (workdir / "predict").exists()


def test_an_image_that_comes_while_it_works_is_labelled_by_the_next_run(
    workdir, new, phantom_config, monkeypatch
):
    in_parts = unlabelled.in_parts

    def arrives(listed, size):
        shutil.copy(new / "0.png", new / "late.png")
        return in_parts(listed, size)

    config = phantom_config(predict__dir=str(new))
    with monkeypatch.context() as patched:
        patched.setattr(unlabelled, "in_parts", arrives)
        runner.run(config, workdir, ["predict"])
    assert len(rows_of(workdir / "predict" / "predictions.csv")) == 4
    runner.run(config, workdir, ["predict"])
    assert len(rows_of(workdir / "predict" / "predictions.csv")) == 5


def test_an_arm_that_was_not_evaluated_is_no_traceback(workdir, new, phantom_config):
    arms = ("synthetic", "real", "real_augmented")
    config = phantom_config(
        predict__dir=str(new), predict__arm="real_augmented", classifier__arms=arms
    )
    with pytest.raises(UserError, match=r"no network of the arm 'real_augmented': name it in"):
        runner.run(config, workdir, ["predict"])


def test_it_needs_an_evaluation(workdir, new, phantom_config):
    (workdir / "stages" / "evaluate.json").unlink()
    with pytest.raises(UserError, match="'predict' needs 'evaluate', which is not finished"):
        runner.run(phantom_config(predict__dir=str(new)), workdir, ["predict"])


@pytest.mark.parametrize(
    ("formats", "is_said"),
    [
        ({"TIFF 16-bit": 9}, True),
        ({"TIFF 8-bit signed": 9}, True),
        ({"TIFF 16-bit": 5, "JPEG 8-bit": 4}, False),
    ],
)
def test_new_files_of_8_bits_are_noted_only_where_the_run_has_none(formats, is_said):
    sick = ClassInventory("sick", 9, 9, formats, {}, 90.0, 0, 0, 0, 0, None, (), 0.0)
    said = predict.note(2, ["16-bit"], [sick])
    assert said.startswith("2 of the new files are 8-bit") == is_said
    assert bool(said) == is_said
