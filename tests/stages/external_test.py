"""Another tree as a part of `evaluate`: what it costs, and that its numbers are right."""

import shutil

import numpy as np
import pytest

from synthmed_jax.data import held_out
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import on_real_images
from synthmed_jax.evaluation.floors import measure_floors
from synthmed_jax.results.cells import FoldResult, InitialWeights
from synthmed_jax.results.external import External
from synthmed_jax.stages import STAGES, base, classify, evaluate, external, split

SMALL = {"data__phantom_images": 12, "data__image_size": 16}


def lay_out(run, root, files):
    """Copies files of the run's own set into a tree."""
    whole = run.inputs.data._whole
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(whole.content_of(file))
    return str(root)


@pytest.fixture
def run(make_run):
    run = make_run(**SMALL)
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    return run


@pytest.fixture
def test_part(run):
    return held_out.read_test(run.workdir.split, run.inputs.data)


def trained(cell, fold):
    """A network whose answers follow from the pixels alone."""
    result = FoldResult(
        best_epoch=1, train_loss=0.1, train_accuracy=1.0, val_loss=0.2 + fold, val_accuracy=0.9,
        epochs=1, stopped="max_epochs", choices={}, passes_per_epoch=1, steps=1,
        selected_by="fold", batch_size=8, initial=InitialWeights("random"), num_train=8, num_val=8,
        seconds=1.0, images_per_second=8.0, weights=f"{cell.arm} {fold}",
    )  # fmt: skip

    def predict(pixels):
        logits = pixels.reshape(len(pixels), 4, -1).mean(axis=2) * (0.02 + 0.01 * fold)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    return result, lambda: predict


def references(run):
    shares = np.full(4, 0.25)
    val = run.inputs.at_network_size(run.inputs.parts.val)
    return on_real_images.References(
        val, dict.fromkeys(classify.cells(run), shares), shares, None, 0.02, of_folds=False
    )


def on_held_out(run, test_part):
    """The evaluation of the run's own test images, and which the networks are right on."""
    cells, folds = classify.cells(run), len(run.settings.classifier.trainings)
    return on_real_images.evaluate_cells(
        run.inputs.at_network_size(test_part), cells, folds, trained, run.workdir.evaluate,
        "phantom", 0, references(run),
    )  # fmt: skip


def test_held_out_images_as_a_tree_score_what_they_score(make_run, run, test_part, tmp_path):
    tree = lay_out(run, tmp_path / "tree", test_part.files)
    with_tree = make_run(**SMALL, evaluate__external_dir=tree)
    cells, (own, hits) = classify.cells(run), on_held_out(run, test_part)
    training = {"real": run.inputs.parts.fit}
    external.measure(with_tree, references(run), trained, training, test_part, own)
    found = External.read(run.workdir.external)
    assert found.cells == own.cells
    assert found.differences == own.differences
    real = {"real": hits[cells[[cell.arm for cell in cells].index("real")]]}
    assert found.floors == measure_floors(training, test_part, real, None, 0)
    assert (found.shared.fit, found.shared.held_out) == (0, len(test_part))
    assert found.counts == dict(
        zip(test_part.class_names, np.bincount(test_part.labels).tolist(), strict=True)
    )
    lines = (run.workdir.evaluate / "external_predictions.csv").read_text()
    assert lines == (run.workdir.evaluate / "predictions.csv").read_text()
    left = {path.name for path in run.workdir.evaluate.rglob("*external*")}
    assert {"external.json", "external_predictions.csv", "section_external.json"} < left
    # Without the tree nothing of it is left.
    external.measure(run, references(run), trained, training, test_part, own)
    assert not list(run.workdir.evaluate.rglob("*external*"))


def test_intervals_are_over_groups_where_the_split_can_group_the_tree(
    make_run, run, test_part, tmp_path
):
    tree = lay_out(run, tmp_path / "tree", test_part.files)
    grouped = make_run(**SMALL, evaluate__external_dir=tree, split__group_by="blocks:2")
    own, _ = on_held_out(run, test_part)
    training = {"real": run.inputs.parts.fit}
    external.measure(grouped, references(run), trained, training, test_part, own)
    found = External.read(run.workdir.external)
    assert found.cells == own.cells
    assert 1 < found.num_groups < len(test_part)
    assert {each.unit for each in found.differences} == {found.floors.unit} == {"group"}
    assert {each.difference.num_groups for each in found.differences} == {found.num_groups}
    assert (found.grouped_by, found.by_image) == (
        "config.split.group_by='blocks:2', among themselves",
        "",
    )


def test_a_tree_costs_the_evaluation_alone(make_run, run, test_part, tmp_path):
    tree = lay_out(run, tmp_path / "tree", test_part.files)
    for stage in (split.STAGE, classify.STAGE, evaluate.STAGE):
        base.mark(run, stage, "finished")
    assert base.is_finished(run, evaluate.STAGE)
    later = make_run(**SMALL, evaluate__external_dir=tree)
    for stage in STAGES:
        assert base.fingerprint(later, stage) == base.fingerprint(run, stage)
        base.check_marker(later, stage)
    assert base.is_finished(later, classify.STAGE)
    assert not base.is_finished(later, evaluate.STAGE)
    base.mark(later, evaluate.STAGE, "finished")
    assert base.is_finished(later, evaluate.STAGE)
    # Where the tree lies is no matter, what is in it is.
    moved = shutil.move(tree, tmp_path / "moved")
    again = make_run(**SMALL, evaluate__external_dir=str(moved))
    assert base.is_finished(again, evaluate.STAGE)
    (tmp_path / "moved" / test_part.files[0]).unlink()
    again = make_run(**SMALL, evaluate__external_dir=str(moved))
    assert not base.is_finished(again, evaluate.STAGE)


def test_a_tree_that_can_not_be_tested_on_is_refused_at_the_start(make_run, tmp_path, capsys):
    external.check(make_run(**SMALL))
    missing = str(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"external_dir='.*nowhere'.*no folder"):
        evaluate.STAGE.check(make_run(**SMALL, evaluate__external_dir=missing))
    with pytest.raises(UserError, match=r"set --workdir to a folder outside"):
        evaluate.STAGE.check(make_run(**SMALL, evaluate__external_dir=str(tmp_path)))
    assert capsys.readouterr().out == ""
