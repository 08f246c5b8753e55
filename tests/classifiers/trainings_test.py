import dataclasses
import math

import numpy as np
import pytest

from synthmed_jax.arms import deal_labels
from synthmed_jax.classifiers import side_by_side, trainings
from synthmed_jax.classifiers.settings import SELECTIONS
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import sha256_of, write_text
from synthmed_jax.metrics_log import read_metrics
from synthmed_jax.results.cells import Cell, FoldResult, InitialWeights

CELL = Cell("tiny", "synthetic", 24, math.inf, 0)


def train_cell(*args, **options):
    side_by_side.train_all(trainings.unfinished(*args, **options))


def test_folds_learn_and_can_be_read_back(programs, tiny_settings, images, tmp_path):
    train_cell(programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    for fold in range(3):
        folder = tmp_path / f"tiny/synthetic/24-inf-s0/fold{fold}"
        result = FoldResult.read_fold(folder)
        assert (result.num_train, result.num_val) == (32, 16)
        assert result.val_accuracy > 0.9
        epochs = read_metrics(folder / "metrics.jsonl")
        assert result.epochs == len(epochs)
        best = min(epochs, key=lambda record: record["val_loss"])
        assert best["epoch"] == result.best_epoch
        assert best["val_loss"] == result.val_loss
        # The weights are those of the best epoch: they give its accuracy on its own fold's images.
        variables = trainings.load_variables(programs, folder)
        probabilities = programs.predict(variables, images.images)
        np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
        assert (probabilities.argmax(-1) == images.labels).mean() > 0.9


RESULT = FoldResult(
    best_epoch=1, train_loss=0.1, train_accuracy=1.0, val_loss=0.2, val_accuracy=0.9, epochs=1,
    stopped="max_epochs", choices={}, passes_per_epoch=1, steps=1, selected_by="fold",
    batch_size=8, initial=InitialWeights("random"), num_train=8, num_val=8, seconds=1.0,
    images_per_second=8.0, made_by="abc",
)  # fmt: skip


def test_a_fold_of_other_settings_is_refused(programs, tiny_settings, images, tmp_path):
    RESULT.write(CELL.folder(tmp_path, "fold0") / "result.json")
    with pytest.raises(UserError, match=r"fold0/result\.json was made with other settings"):
        train_cell(
            programs, tiny_settings, CELL, images, images.subset([]), tmp_path, made_by="abd"
        )


def test_the_folds_cover_every_image_once(programs, tiny_settings, images, tmp_path):
    seen = []
    args = (programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    for training in trainings.unfinished(*args):
        train, val = training.train, training.validation["fold"]
        assert not set(train.files) & set(val.files)
        assert len(train) + len(val) == 48
        seen.extend(val.files)
    assert sorted(seen) == sorted(images.files)


def test_groups_are_not_divided_between_folds(programs, tiny_settings, images, tmp_path):
    groups = np.arange(48) % 24 // 2  # Twelve patients, each with images here and there.
    by_file = dict(zip(images.files, groups, strict=True))
    folds = []
    args = (programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    for training in trainings.unfinished(*args, groups):
        train, val = training.train, training.validation["fold"]
        assert not {by_file[f] for f in train.files} & {by_file[f] for f in val.files}
        assert set(train.labels) == set(val.labels) == {0, 1}
        folds.append(val.files)
    assert sorted(sum(folds, ())) == sorted(images.files)
    with pytest.raises(UserError, match=r"3 folds .* groups .*group_by.* per class, left has 1"):
        list(trainings.unfinished(*args, np.arange(48) % 2))


def test_a_finished_fold_is_not_trained_again(programs, tiny_settings, images, tmp_path):
    args = (programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    finished(CELL.folder(tmp_path, "fold1"))
    left = [training.description for training in trainings.unfinished(*args, made_by="abc")]
    assert left == ["tiny synthetic fold0", "tiny synthetic fold2"]


def test_what_is_not_taken_is_neither_looked_at_nor_made(programs, tiny_settings, images, tmp_path):
    args = (programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    write_text(CELL.folder(tmp_path, "fold1") / "result.json", "another process is writing it")
    asked = []

    def take(folder):
        asked.append(folder.name)
        return folder.name != "fold1"

    left = trainings.unfinished(*args, take=take)
    assert next(left).description == "tiny synthetic fold0"
    assert asked == ["fold0"]  # others when their turn comes
    assert [each.description for each in left] == ["tiny synthetic fold2"]
    assert asked == ["fold0", "fold1", "fold2"]


def test_real_images_choose_the_epoch_where_they_are_asked(
    programs, tiny_settings, images, tmp_path
):
    # Real images with the labels the other way round: the better the fold, the worse are they.
    turned = dataclasses.replace(images, labels=1 - images.labels)
    epochs = {}
    for selection in SELECTIONS:
        settings = dataclasses.replace(tiny_settings, selection=selection, patience=4, folds=2)
        folder = tmp_path / selection
        train_cell(programs, settings, CELL, images, turned, folder)
        result = FoldResult.read_fold(CELL.folder(folder, "fold0"))
        epochs[selection] = result.best_epoch
        choices, set_name = result.choices, SELECTIONS[selection]
        assert choices[set_name].epoch == result.best_epoch
        assert choices[set_name].scores[set_name].loss == result.val_loss
        of_fold, of_real = (choices[name].scores["real_val"] for name in ("fold", "real_val"))
        assert of_real.loss < of_fold.loss
    assert epochs["val"] < epochs["synthetic"]


def test_real_images_can_not_choose_where_there_are_none(programs, tiny_settings, images, tmp_path):
    settings = dataclasses.replace(tiny_settings, selection="val")
    with pytest.raises(UserError, match=r"selection=val, but val is empty"):
        train_cell(programs, settings, CELL, images, images.subset([]), tmp_path)


def test_too_few_images_for_the_folds(programs, tiny_settings, images, tmp_path):
    few = images.subset([0, 1, 2, 3, 4, 6])
    with pytest.raises(UserError, match=r"3 folds need that many images per class, right has 2"):
        train_cell(programs, tiny_settings, CELL, few, few.subset([]), tmp_path)


def test_seeds_train_on_every_image_with_a_seed_each(programs, tiny_settings, images, tmp_path):
    settings = dataclasses.replace(tiny_settings, seeds=3, selection="val", seed=5)
    augmentation, seen = Augmentation("horizontal", 1, 0.5), []
    args = (programs, settings, CELL, images, images.subset([0, 1]), tmp_path)
    for training in trainings.unfinished(*args, augmentation=augmentation):
        assert training.train.files == images.files
        assert (list(training.validation), training.select) == (["real_val"], "real_val")
        assert training.augmentation == augmentation
        seen.append((training.seed, training.folder.name))
    assert seen == [(5, "training0"), (1005, "training1"), (2005, "training2")]


def test_a_class_without_images_is_refused_where_there_are_no_folds(
    programs, tiny_settings, images, tmp_path
):
    settings = dataclasses.replace(tiny_settings, seeds=1, selection="val")
    left = images.subset(np.flatnonzero(images.labels == 0))
    with pytest.raises(UserError, match="right has no image to train on"):
        train_cell(programs, settings, CELL, left, left, tmp_path)


def finished(folder):
    write_text(folder / "metrics.jsonl", "{}\n")
    log = sha256_of(folder / "metrics.jsonl")
    dataclasses.replace(RESULT, log=log).write(folder / "result.json")


@pytest.mark.parametrize(
    ("damage", "why"), [("", "is not what the training wrote"), (None, "gone")]
)
def test_a_finished_training_has_the_log_that_it_wrote(
    programs, tiny_settings, images, tmp_path, damage, why
):
    folder = CELL.folder(tmp_path, "fold0")
    finished(folder)
    log = folder / "metrics.jsonl"
    log.unlink()
    if damage is not None:
        log.write_text(damage)
    with pytest.raises(Damaged, match=why) as error:
        train_cell(
            programs, tiny_settings, CELL, images, images.subset([]), tmp_path, made_by="abc"
        )
    assert error.value.path == log


def test_what_a_kill_left_of_a_finished_training_is_removed(
    programs, tiny_settings, images, tmp_path
):
    folder = CELL.folder(tmp_path, "fold0")
    finished(folder)
    for name in ("ended", "resume"):
        write_text(folder / name / "3" / "half", "")
    args = (programs, tiny_settings, CELL, images, images.subset([]), tmp_path)
    assert len(list(trainings.unfinished(*args, made_by="abc"))) == 2
    assert {path.name for path in folder.iterdir()} == {"metrics.jsonl", "result.json"}


def test_a_control_is_trained_and_chosen_on_labels_of_each_trainings_own(
    programs, tiny_settings, images, tmp_path
):
    settings = dataclasses.replace(tiny_settings, seeds=2, selection="val")
    val = images.subset(np.arange(40))
    seen = list(
        trainings.unfinished(programs, settings, CELL, images, val, tmp_path, relabel=deal_labels)
    )
    assert len(seen) == 2
    for training in seen:
        chosen_on = training.validation["real_val"]
        wanted = deal_labels(images, training.seed).labels
        np.testing.assert_array_equal(training.train.labels, wanted)
        np.testing.assert_array_equal(chosen_on.labels, deal_labels(val, training.seed).labels)
        assert (chosen_on.labels != val.labels).any()
    assert (seen[0].train.labels != seen[1].train.labels).any()
