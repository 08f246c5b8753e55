import dataclasses

import pytest

from benchmarks.study import command, filters, page
from synthmed_jax.report.formats import DASH
from synthmed_jax.results.audit import Measured
from synthmed_jax.results.filtered import FILTERED, SYNTHETIC, Filtered, FilteredClass


@pytest.fixture
def of_filter(design, tmp_path):
    """The design's first two runs, as if a filter had left out 3 of 203 images in the first."""
    found = Filtered(
        seed=0,
        flips="none",
        thresholds={"aligned": 0.9},
        classes={"a": FilteredClass(103, 3, 100), "b": FilteredClass(100, 0, 100)},
        coverage={
            SYNTHETIC: Measured(0.62, 0.55, 0.69),
            FILTERED: Measured(0.6, 0.53, 0.67),
        },
    )
    found.write(tmp_path / "filter.json")
    document = Filtered.read(tmp_path / "filter.json").to_document()
    runs = []
    for run, documents in zip(design.runs, ({"filtered/filter.json": document}, {}), strict=False):
        (cell,) = (c for c in run.replicate.evaluation.cells if c.arm == "synthetic")
        fewer = dataclasses.replace(
            cell,
            arm="synthetic_filtered",
            mean=dataclasses.replace(cell.mean, balanced_accuracy=0.25),
            folds=(dataclasses.replace(cell.folds[0], balanced_accuracy=0.25),),
        )
        evaluation = dataclasses.replace(run.replicate.evaluation, cells=(cell, fewer))
        replicate = dataclasses.replace(run.replicate, evaluation=evaluation, declared=())
        record = dataclasses.replace(run.record, documents=run.record.documents | documents)
        runs.append(dataclasses.replace(run, replicate=replicate, record=record))
    return dataclasses.replace(design, runs=tuple(runs))


def test_only_a_design_with_that_arm_is_about_a_filter(design, of_filter):
    assert not filters.has_filter(design)
    assert filters.has_filter(of_filter)


def test_what_was_left_out_stands_beside_what_it_changes(of_filter):
    rows = {row.name: row.values for row in filters.filter_table(of_filter).rows}
    assert rows["left out as suspected copies"] == ("3 of 203", DASH)
    assert rows["held-out images that the search flags"] == (DASH, DASH)
    assert rows["coverage of `fit`, all"] == ("0.62 (0.55 to 0.69)", DASH)
    assert rows["coverage of `fit`, filtered"] == ("0.60 (0.53 to 0.67)", DASH)
    before = of_filter.runs[0].replicate.evaluation.cells[0]
    mean = f"{100 * before.mean.balanced_accuracy:.1f}"
    assert rows["balanced accuracy, synthetic images alone"][0].startswith(f"{mean} (")
    assert rows["balanced accuracy, synthetic images alone, filtered"][0] == "25.0 (25.0)"


def test_its_command_filters(of_filter):
    text = command.command_of(of_filter)
    assert "--config.generate.filter=copies" in text
    assert "--stages=split,diffusion,generate,filter,audit,classify,evaluate,report,record" in text


def test_its_part_of_the_page_has_that_table_and_no_estimands(of_filter):
    text = page.render([of_filter], "results/pictures")
    assert "### Without the images that the search for copies flags" in text
    assert "| left out as suspected copies | 3 of 203 |" in text
    assert "## In short" not in text
