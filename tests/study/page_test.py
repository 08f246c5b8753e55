import dataclasses
import pathlib
import re

import numpy as np
import pytest

from benchmarks.study import command, page, runs, summary, tables
from synthmed_jax import arms
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import records
from synthmed_jax.report.formats import DASH, MINUS
from tests.finished_runs import write_run
from tests.study.conftest import ARMS

ROOT = pathlib.Path(__file__).parents[2]


def test_seeds_that_were_not_watched_are_pooled(design):
    assert [run.replicate.seed for run in design.runs] == [11, 12, 13]
    assert [each.name for each in design.pooled.differences] == ["D1", "D2"]
    assert design.pooled.differences[0].pooled.num_seeds == 3


def test_scores_have_their_mean_and_a_column_per_seed(design):
    table = tables.arms_table(design)
    assert table.columns == ("mean", "seed 11", "seed 12", "seed 13")
    assert [row.name for row in table.rows] == [tables.ARMS[arm] for arm in (
        "real_augmented", "synthetic", "mixed_1to1",
    )]  # fmt: skip
    cells = [run.replicate.evaluation.cells for run in design.runs]
    synthetic = [100 * of_run[0].mean.balanced_accuracy for of_run in cells]
    shown = [float(value) for value in table.rows[1].values]
    assert shown == pytest.approx([np.mean(synthetic), *synthetic], abs=0.05)


def test_arms_are_described_as_the_program_makes_them():
    for name, words in tables.ARMS.items():
        assert name in arms.ARMS
        ratio = re.fullmatch(r"mixed_1to(\d)", name)
        assert ("each twice" in arms.ARMS[name].says) == ("each twice" in words)
        assert words == f"both, 1 to {ratio[1]}" if ratio else "both" not in words


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({}, "warps"),
        ({"classifier.warp": 0.0}, ""),
        ({"diffusion.flips": "horizontal"}, "flips and warps"),
        ({"diffusion.flips": "horizontal", "classifier.flips": "dihedral"}, "warps"),
        ({"diffusion.shift": 3, "classifier.warp": 0}, "larger shifts"),
    ],
)
def test_what_augmentation_adds_follows_from_the_settings(design, changed, more):
    usual = {
        "classifier.flips": "none", "classifier.shift": 2, "classifier.warp": 0.5,
        "diffusion.flips": "none", "diffusion.shift": 0,
    }  # fmt: skip
    record = dataclasses.replace(design.runs[0].record, fields=usual | changed)
    run = dataclasses.replace(design.runs[0], record=record)
    assert tables.augmentation_added(dataclasses.replace(design, runs=(run,))) == more


def test_each_seeds_differences_name_the_arms_that_were_compared(design):
    rows = {row.name: row.values for row in tables.differences_table(design).rows}
    assert list(rows) == ["D1", "arms of D1", "D2", "arms of D2"]
    for run, shown, of in zip(design.runs, rows["D1"], rows["arms of D1"], strict=True):
        (found,) = [each for each in run.replicate.declared if each.name == "D1"]
        assert float(shown.split(" ")[0].replace(MINUS, "-")) == pytest.approx(
            100 * found.estimate, abs=0.05
        )
        assert of == "`synthetic` less `real_augmented`"


def test_one_seed_is_shown_as_one_seed(design):
    one = dataclasses.replace(design, runs=design.runs[:1])
    values = summary.summary_table([("drawn", one)]).rows[0].values
    assert values[4].endswith(", one seed")
    of_three = summary.summary_table([("drawn", design)]).rows[0].values
    assert "one seed" not in of_three[4]


def test_a_mean_is_of_the_seeds_that_count_and_of_all_of_them(design):
    watched = dataclasses.replace(design.runs[0].replicate, fields={"seed": 3})
    runs_of = (dataclasses.replace(design.runs[0], replicate=watched), *design.runs[1:])
    table = tables.with_means(
        dataclasses.replace(design, runs=runs_of),
        [("all", [0.1, 0.6, 0.8]), ("one lacks", [0.1, None, 0.8])],
        "",
    )
    assert table.columns == ("mean", "seed 3 (watched)", "seed 12", "seed 13")
    assert [row.values[0] for row in table.rows] == ["70.0", DASH]
    assert [len(row.values) for row in table.rows] == [4, 4]


def test_the_command_has_the_trainings_of_seeds_and_none_of_folds(design):
    def command_with(units):
        record = dataclasses.replace(design.runs[0].record, trainings=units)
        run = dataclasses.replace(design.runs[0], record=record)
        return command.command_of(dataclasses.replace(design, runs=(run,)))

    cell = design.runs[0].replicate.evaluation.cells[0].path
    of_seeds = command_with((f"{cell}/training0", f"{cell}/training1"))
    assert "--config.classifier.seeds=2 " in of_seeds
    assert "--config.classifier.seeds=0 " in command_with((cell,))


def test_the_page_has_every_run_its_pictures_and_the_claim(design):
    text = page.render([design], "results/pictures")
    assert "## Drawn phantoms" in text
    for run in design.runs:
        assert f"seed {run.replicate.seed}" in text
    assert re.search(r"D1: .* percentage points over 3 seeds", text)
    shown = set(re.findall(r"results/pictures/(\S+\.png)", text))
    assert shown == set(page.pictures_of(design))
    assert "\n\n\n" not in text


def test_the_command_names_what_differs_from_the_preset(design):
    text = command.command_of(design)
    assert text.startswith("python main.py --config=configs/phantom_ddpm.py:cpu ")
    assert "--config.diffusion.num_steps=50 " in text  # as finished_runs.STAGE_FIELDS has it
    assert "--config.classifier.arms=synthetic,real_augmented,mixed_1to1 " in text
    assert "split.fraction" not in text  # which is the preset's
    assert "--config.seed=<seed> " in text


def test_the_command_explains_where_a_run_was_explained(design):
    def with_documents(names):
        record = dataclasses.replace(design.runs[0].record, documents={name: {} for name in names})
        run = dataclasses.replace(design.runs[0], record=record)
        return command.command_of(dataclasses.replace(design, runs=(run, *design.runs[1:])))

    assert with_documents(["evaluate/metrics.json"]).endswith(",evaluate,report,record")
    explained = with_documents(["evaluate/metrics.json", "explain/lime.json"])
    assert explained.endswith("audit,classify,evaluate,explain,report,record")


def test_runs_of_other_settings_are_no_design(results, tmp_path):
    root = write_run(tmp_path / "s14", 14, arms=ARMS, changed={"diffusion.num_steps": 51})
    folder = tmp_path / "results" / "phantom" / "drawn"
    records.read_record(root, None).write(folder / "14.json")
    (folder / "11.json").write_bytes((results / "phantom" / "drawn" / "11.json").read_bytes())
    with pytest.raises(UserError, match=r"14\.json has config\.diffusion\.num_steps=51"):
        runs.read_designs(tmp_path / "results")


def test_without_records_the_page_says_so(tmp_path):
    assert runs.read_designs(tmp_path / "results") == []
    assert "has been recorded yet" in page.render([], "results/pictures")


def test_the_results_are_what_the_records_say():
    """RESULTS.md was written by `python -m benchmarks.study` from the records that are there."""
    designs = runs.read_designs(ROOT / "results")
    assert page.render(designs, "results/pictures") == (ROOT / "RESULTS.md").read_text()
    shown = {name for design in designs for name in page.pictures_of(design)}
    assert shown == {path.name for path in (ROOT / "results" / "pictures").glob("*")}
