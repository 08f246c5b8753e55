import dataclasses

import pytest

from benchmarks.study import amounts, command, page, questions


@pytest.fixture
def of_amounts(design):
    """The design's first two runs, as if they had compared 200 and 50 synthetic images alone."""
    runs = []
    for run in design.runs[:2]:
        (cell,) = (c for c in run.replicate.evaluation.cells if c.arm == "synthetic")
        fewer = dataclasses.replace(
            cell, n=50, mean=dataclasses.replace(cell.mean, balanced_accuracy=0.25)
        )
        evaluation = dataclasses.replace(
            run.replicate.evaluation, cells=(dataclasses.replace(cell, n=200), fewer)
        )
        replicate = dataclasses.replace(run.replicate, evaluation=evaluation, declared=())
        runs.append(dataclasses.replace(run, replicate=replicate))
    return dataclasses.replace(design, runs=tuple(runs))


def test_only_a_design_of_several_amounts_is_one_of_amounts(design, of_amounts):
    assert not amounts.has_amounts(design)
    assert amounts.has_amounts(of_amounts)


def test_amounts_are_in_order_with_a_column_per_seed(of_amounts):
    table = amounts.amounts_table(of_amounts)
    assert table.columns == ("mean", "seed 11", "seed 12")
    assert [row.name for row in table.rows] == ["50 per class", "200 per class"]
    assert table.rows[0].values == ("25.0", "25.0", "25.0")
    largest = [
        100 * run.replicate.evaluation.cells[0].mean.balanced_accuracy for run in of_amounts.runs
    ]
    assert [float(value) for value in table.rows[1].values[1:]] == pytest.approx(largest, abs=0.05)


def test_its_command_draws_as_many_and_asks_for_the_others(of_amounts):
    text = command.command_of(of_amounts)
    assert "--config.generate.per_class=200 --config.classifier.amounts=50, " in text


def test_the_question_of_size_has_its_scores(design, of_amounts):
    said = dict(questions.answers([("drawn", design)], [("few", of_amounts)]))
    size = said["Size of the synthetic set"]
    assert "few 25.0 % with 50 per class, " in size
    assert "% with 200 per class. Beside the real images" in size


def test_its_part_of_the_page_has_that_table_and_no_estimands(of_amounts):
    text = page.render([of_amounts], "results/pictures")
    assert "### Synthetic images per class" in text
    assert "| 50 per class | 25.0 |" in text
    assert "forest.png" not in text
    assert "## In short" not in text  # which is of designs of all arms
    assert not any("forest" in name for name in page.pictures_of(of_amounts))


def test_a_design_of_another_share_of_real_images_says_so(design):
    fields = {**design.runs[0].replicate.fields, "split.fraction": 0.05}
    replicate = dataclasses.replace(design.runs[0].replicate, fields=fields)
    run = dataclasses.replace(design.runs[0], replicate=replicate)
    other = dataclasses.replace(design, runs=(run,))
    assert page._title(other).endswith(", 5\N{NO-BREAK SPACE}% of the real images for fit and val")
    assert page._short_name(other) == "phantom, 5\N{NO-BREAK SPACE}% real"
    assert "real" not in page._title(design) + page._short_name(design)
