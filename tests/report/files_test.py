import dataclasses
import shutil

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.report.files import read_contents
from synthmed_jax.results.cells import Cell, FoldResult
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.split import PartCounts
from synthmed_jax.results.stored import read_document, write_document


def test_every_file_of_a_finished_run_is_read(fabricated):
    contents = fabricated.contents()
    assert contents.evaluation == Evaluation.read(fabricated.path("evaluate/metrics.json"))
    assert contents.fidelity.num_synthetic == len(fabricated.synthetic)
    assert contents.lime.model == contents.evaluation.best
    assert contents.info.data.hash == contents.split.data_hash == "abc"
    assert list(contents.generators) == [""]
    assert contents.generators[""].end.half_life == 250
    assert contents.generators[""].records[-1].step == 1990
    assert contents.counts == dict.fromkeys(fabricated.fit.class_names, PartCounts(28, 4, 4, 20))
    assert contents.totals == PartCounts(84, 12, 12, 60)
    assert contents.chance == pytest.approx(1 / 3)


def test_folds_are_of_the_cells_that_are_asked_for_in_that_order(fabricated):
    classify = fabricated.path("classify")
    shutil.copytree(classify / "resnet18", classify / "alexnet")
    asked = [fabricated.cells[2], fabricated.cells[0], Cell("vgg19", "real", None, 0.0, 0)]
    contents = read_contents(fabricated.workdir, asked)
    assert list(contents.folds) == asked[:2]
    assert [fold.result.num_train for fold in contents.folds[asked[0]]] == [1333, 1334, 1335]
    assert contents.folds_of(fabricated.cells[1]) == ()


def test_folds_are_found_by_a_cell_with_scores(fabricated):
    contents = fabricated.contents()
    scored = contents.evaluation.cells[2]
    assert contents.folds_of(scored) == contents.folds[fabricated.cells[2]]


def test_fold_10_comes_after_fold_9(fabricated):
    folder = fabricated.path("classify") / fabricated.cells[0].path
    for fold in (9, 10):
        shutil.copytree(folder / "fold0", folder / f"fold{fold}")
        path = folder / f"fold{fold}" / "result.json"
        dataclasses.replace(FoldResult.read(path), num_train=fold).write(path)
    folds = fabricated.contents().folds[fabricated.cells[0]]
    assert [fold.result.num_train for fold in folds] == [1333, 1334, 1335, 9, 10]


def test_a_training_that_has_not_ended_has_epochs_and_no_result(fabricated):
    (fabricated.path("classify") / fabricated.cells[0].path / "fold1" / "result.json").unlink()
    fold = fabricated.contents().folds[fabricated.cells[0]][1]
    assert fold.result is None
    assert [record.epoch for record in fold.epochs] == list(range(1, 9))


def test_one_model_per_class_is_read_under_its_class(fabricated):
    diffusion = fabricated.path("diffusion")
    diffusion.rename(fabricated.path("elsewhere"))
    for name in ("Early", "Benign"):
        shutil.copytree(fabricated.path("elsewhere"), diffusion / name)
    (diffusion / "Early" / "best.json").unlink()
    generators = fabricated.contents().generators
    assert list(generators) == ["Benign", "Early"]
    assert generators["Early"].end is None


def test_what_no_stage_has_written_is_none(fabricated):
    for name in ("run.json", "evaluate/metrics.json", "evaluate/fidelity.json"):
        fabricated.path(name).unlink()
    fabricated.path("explain/lime.json").unlink()
    shutil.rmtree(fabricated.path("diffusion"))
    shutil.rmtree(fabricated.path("classify"))
    contents = fabricated.contents()
    missing = (contents.info, contents.evaluation, contents.fidelity, contents.lime)
    assert missing == (None,) * 4
    assert contents.generators == contents.folds == {}


@pytest.mark.parametrize(
    ("name", "stage"), [("config.json", "any stage"), ("split/split.json", "--stages=split")]
)
def test_some_files_are_needed(fabricated, name, stage):
    fabricated.path(name).unlink()
    with pytest.raises(UserError, match=rf"{name} is missing: run {stage} first"):
        fabricated.contents()


def test_a_damaged_file_is_named_with_its_field(fabricated):
    path = fabricated.path("evaluate/fidelity.json")
    write_document(path, read_document(path) | {"ratio": "0.9"})
    fault = r"fidelity\.json .*ratio: expected a finite number, got '0\.9'"
    with pytest.raises(UserError, match=fault):
        fabricated.contents()


def test_settings_are_looked_up_by_their_dotted_name(contents):
    assert contents.setting("data.name", "?") == "leukemia"
    assert contents.setting("diffusion.unet.blocks", 0) == 1
    assert contents.setting("diffusion.unet.wings", 2) == 2
    assert contents.setting("scale.of.nothing", "none") == "none"


def test_the_test_part_is_never_read(fabricated):
    before = fabricated.contents()
    path = fabricated.path("split/split.json")
    split = read_document(path)
    assert split.pop("test")
    write_document(path, split)
    assert fabricated.contents() == before
