import dataclasses
import json

import pytest

from synthmed_jax.files import read_json
from synthmed_jax.report import numbers
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.results.evaluation import CellScores, Evaluation
from synthmed_jax.results.stored import read_document, structure
from tests.report.audited import MEMBERSHIP, memorisation
from tests.report.conftest import group_estimate


@pytest.fixture(scope="module")
def written(reported):
    return read_json(reported.path("report/report.json"))


def test_json_holds_every_number(reported, written):
    assert written["headline"]["gap"] == pytest.approx(0.953 - 0.869)
    assert written["headline"]["distance_ratio"] == 0.917
    assert written["metrics"] == read_document(reported.path("evaluate/metrics.json"))
    assert written["lime"] == read_document(reported.path("explain/lime.json"))
    assert written["run"] == read_document(reported.path("run.json"))
    assert written["config"] == read_json(reported.path("config.json"))
    assert written["diffusion"][""]["best"] == read_document(reported.path("diffusion/best.json"))
    assert written["diffusion"][""]["records"][-1]["step"] == 1990
    assert written["counts"]["Early"] == {"total": 28, "fit": 4, "val": 4, "test": 20}
    assert written["split"]["seed"] == 17


def test_of_the_pairs_the_closest_are_listed(reported, written):
    fidelity = read_document(reported.path("evaluate/fidelity.json"))
    closest = written["fidelity"].pop("closest")
    assert closest == fidelity.pop("synthetic")[:8]
    assert written["fidelity"] == fidelity


def test_the_headlines_cells_are_those_of_the_evaluation(contents, written):
    cells = [structure(written["headline"][arm], CellScores, arm) for arm in ("synthetic", "real")]
    assert cells == [contents.evaluation.cells[0], contents.evaluation.cells[2]]


def test_verdicts_are_data(written):
    verdicts = written["verdicts"]
    assert verdicts["arms"]["verdict"] == "costs"
    assert verdicts["copying"]["verdict"] == "alike"
    assert verdicts["validation"]["verdict"] == "optimistic"
    assert verdicts["small_classes"]["fewer_than"]["value"] == 50
    assert verdicts["shortcuts"]["alarms"]["real"][0]["class_name"] == "Benign"
    assert verdicts["differences"]["listed"][0]["q"] == 0.012
    assert set(verdicts["best"]) == {"synthetic", "real"}
    assert "split by image" in verdicts["caveats"]


def test_a_program_reads_the_answers(written):
    answers = written["answers"]
    assert list(answers) == ["D1", "D2", "release", "floors", "control"]
    (replaced,) = answers["D1"]["findings"]
    assert replaced["verdict"] == "refuted"
    assert replaced["numbers"][0]["value"] == pytest.approx(-0.155)
    assert replaced["numbers"][0]["low"] < replaced["numbers"][0]["high"] < -0.02
    # The fabricated run has no mixed arm and no audit: said, not left out.
    for name in ("D2", "release"):
        assert answers[name]["findings"][0]["verdict"] == "not measured"
        assert answers[name]["missing"]
        assert answers[name]["would_change"]
    assert [each["verdict"] for each in answers["floors"]["findings"]] == [
        "better than every floor", "not shown to be better", "not measured"
    ]  # fmt: skip
    assert "split by image" in [each["name"] for each in written["not_to_conclude"]]


def with_everything(fabricated):
    """Adds an arm of both kinds, its declared difference, and an audit."""
    path = fabricated.path("evaluate/metrics.json")
    evaluation = Evaluation.read(path)
    *_, real = evaluation.cells
    mixed, augmented = (
        dataclasses.replace(real, arm=arm, ratio=ratio)
        for arm, ratio in (("mixed_1to1", 1.0), ("real_augmented", 0.0))
    )
    (replaced,) = evaluation.declared
    added = dataclasses.replace(
        replaced,
        estimand="D2",
        first=mixed.cell,
        second=augmented.cell,
        limit=0.0,
        difference=group_estimate(0.05, 0.02),
        p_adjusted=0.01,
    )
    dataclasses.replace(
        evaluation, cells=(*evaluation.cells, mixed, augmented), declared=(replaced, added)
    ).write(path)
    found = memorisation("nothing found at this power", "attack succeeds")
    found.write(fabricated.path("audit/memorisation.json"))
    MEMBERSHIP.write(fabricated.path("audit/membership.json"))
    fabricated.report()


def test_report_json_alone_answers_d1_d2_and_the_release_verdict(fabricated):
    with_everything(fabricated)
    answers = json.loads(fabricated.path("report/report.json").read_text())["answers"]
    verdicts = {
        (name, finding["about"]): finding["verdict"]
        for name in ("D1", "D2", "release")
        for finding in answers[name]["findings"]
    }
    assert verdicts == {
        ("D1", ""): "refuted",
        ("D2", ""): "shown",
        ("release", "The images alone"): "nothing found at this power",
        ("release", "Images and weights"): "attack succeeds",
    }
    gain = answers["D2"]["findings"][0]["numbers"][0]
    assert (gain["low"], gain["value"], gain["high"], gain["n"]) == pytest.approx(
        (0.03, 0.05, 0.07, 60)
    )
    images, weights = answers["release"]["findings"]
    assert images["numbers"][0]["value"] == 0.0125
    assert "at least 82" in images["power"]
    assert weights["numbers"][0]["value"] == 0.66


def test_what_has_not_run_is_null(fabricated):
    for name in ("run.json", "evaluate/metrics.json", "evaluate/fidelity.json"):
        fabricated.path(name).unlink()
    fabricated.path("explain/lime.json").unlink()
    contents = fabricated.contents()
    conclusions = conclude(contents)
    collected = numbers.collect(
        contents, conclusions, make_answer(contents, conclusions), {"lime": "not yet"}
    )
    for name in ("metrics", "fidelity", "lime"):
        assert collected[name] is None
    assert set(collected["headline"].values()) == {None}
    assert collected["verdicts"]["copying"] is None
    assert (collected["run"], collected["not_run"]) == ({}, {"lime": "not yet"})
