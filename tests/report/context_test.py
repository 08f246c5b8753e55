import dataclasses

from synthmed_jax.report import context, wording
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import NBSP


def build(contents, **fields):
    contents = dataclasses.replace(contents, **fields)
    conclusions = conclude(contents)
    return context.build(contents, conclusions, make_answer(contents, conclusions))


def test_counts_are_those_of_the_split(contents):
    variables = build(contents)
    assert variables["parts"] == ("total", "fit", "val", "test")
    assert variables["counts"][0] == ("Benign", (28, 4, 4, 20))
    assert variables["totals"] == (84, 12, 12, 60)
    assert variables["subtitle"].replace(NBSP, " ") == (
        "Data set leukemia: n = 84 images in 3 classes (fit 12, val 12, test 60)."
    )
    own = contents.config["data"] | {"name": "folder", "dir": "/my/chest CT/"}
    mine = dataclasses.replace(contents, config=contents.config | {"data": own})
    assert build(mine)["subtitle"].startswith("Data set chest CT (a folder): ")
    trial = dataclasses.replace(contents, config=contents.config | {"scale": "smoke"})
    assert build(trial)["subtitle"] == f"{variables['subtitle']} {wording.TRIAL}"
    assert variables["split_caption"].endswith("ceil(0.2 n) images per class, seed 17.")


def test_of_a_finished_run_every_section_is_there(contents):
    assert context.not_run(contents, generated=True) == {}


def test_sections_whose_stage_has_not_run_say_so(contents):
    nothing = dataclasses.replace(
        contents, evaluation=None, fidelity=None, lime=None, generators={}, folds={}
    )
    missing = context.not_run(nothing, generated=True)
    assert set(missing) == {"pairs", "results", "lime", "diffusion", "classify"}
    assert "The stage explain has not run" in missing["lime"]
    assert "The stage evaluate has not run" in missing["pairs"]
    assert build(nothing)["explained"] is None


def test_without_synthetic_images_there_are_no_samples_and_no_pairs(contents):
    missing = context.not_run(contents, generated=False)
    assert set(missing) == {"samples", "pairs"}
    assert missing["pairs"] == missing["samples"]
    assert "The stage generate has not run" in missing["samples"]


def test_the_data_set_has_a_name_even_without_a_config(contents):
    assert context.name_of_dataset(dataclasses.replace(contents, config={})) == "leukemia"
    nothing = dataclasses.replace(contents, config={}, evaluation=None)
    assert context.name_of_dataset(nothing) == "data"


def test_explanations_have_their_three_tables(contents):
    explained = build(contents)["explained"]
    assert len(explained.tables) == 3
    assert len(explained.alarms) == 1
    assert explained.engines
