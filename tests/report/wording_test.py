import dataclasses

import pytest

from synthmed_jax.report import wording
from synthmed_jax.report.files import Generator, read_run


@pytest.fixture
def run(fabricated):
    return read_run(fabricated.workdir)


def with_fidelity(run, **values):
    return dataclasses.replace(run, fidelity=run.fidelity | values)


@pytest.mark.parametrize(
    ("ratio", "reading"),
    [(0.4, "repeats what it was shown"), (1.0, "no sign of wholesale"), (2.0, "farther from")],
)
def test_the_distance_is_read_both_ways(run, ratio, reading):
    said = wording.distance_reading(with_fidelity(run, ratio=ratio))
    assert reading in said
    assert "That is no proof that none of them is a copy." in said


def test_without_val_images_no_ratio_is_read(run):
    run = with_fidelity(run, ratio=None, median_val=None, num_val=0)
    assert "val part is empty" in wording.distance_reading(run)
    assert "ratio" not in wording.distance_numbers(run)


def test_small_classes_are_warned_of_and_large_ones_not(run):
    warning = f"Warning: under 50 fit images in Benign ({wording.n_is(4)})"
    assert wording.limits(run)[0].startswith(warning)
    large = {name: count | {"fit": 50} for name, count in run.counts.items()}
    assert "Warning" not in wording.limits(dataclasses.replace(run, counts=large))[0]


def test_leakage_is_a_caveat_of_image_level_splits_only(run):
    assert any("The split is by image" in said for said in wording.limits(run))
    run.config["split"]["group_by"] = r"(\d+)_"
    assert not any("The split is by image" in said for said in wording.limits(run))


def test_overlapping_intervals_decide_nothing(run):
    synthetic, _, real = run.metrics["cells"]
    real["accuracy_interval"]["low"] = synthetic["accuracy_interval"]["high"] - 0.001
    assert "cannot tell which is better" in wording.answer(run)[0]


def test_one_fold_has_no_spread(run):
    synthetic = run.metrics["cells"][0]
    synthetic["folds"] = synthetic["folds"][:1]
    synthetic["std"] = dict.fromkeys(synthetic["std"])
    assert "(one fold; 95" in wording.answer(run)[1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (192.4, "3 min 12 s"), (7290, "2 h 1 min")]
)
def test_durations(seconds, text):
    assert wording.duration(seconds).replace(wording.NBSP, " ") == text


def test_the_weights_are_named_with_why_training_ended(run):
    best = {"step": 600, "half_life": 250, "val_loss": 0.1234, "ended_at": 900}
    bits = {"total": 3.21, "prior": 0.001, "steps": 2.2, "decoder": 1.0, "standard_error": 0.05}
    training = Generator([{"step": 900, "loss": 1.0}], best | {"why": "all steps were taken"})
    run = dataclasses.replace(run, diffusion={"": training})
    (said,) = wording.generators(
        with_fidelity(run, bits_per_dimension={"all": bits | {"num_images": 12}})
    )
    for part in (
        "250 steps at step 600",
        "0.1234",
        "step 900: all steps were taken",
        wording.n_is(12),
    ):
        assert part in said
    assert "3.21 ± 0.05 bits per dimension" in said
    literal = Generator([], best | {"why": "w", "val_loss": None})
    (said,) = wording.generators(dataclasses.replace(run, diffusion={"glioma": literal}))
    assert said.startswith("Images of glioma are drawn")
    assert "nothing was validated" in said
    assert wording.generators(dataclasses.replace(run, diffusion={"": Generator([], None)})) == []


def test_the_gap_that_the_choice_of_validation_makes_is_said(run):
    said = wording.selection_gap(run)
    # Means over two or three folds of what conftest.py gives each.
    folds = run.folds_of(run.metrics["cells"][0])
    by_fold = sum(0.5 + 0.1 * fold for fold in range(len(folds))) / len(folds)
    assert f"score {wording.percent(by_fold)} on the real val images" in said
    assert f"would choose, {wording.percent(0.75)} (means of {len(folds)} folds)" in said
    assert "on real test images it scores" in said


def test_without_real_val_images_there_is_no_such_gap(run):
    for fold in run.folds_of(run.metrics["cells"][0]):
        del fold.result["choices"]["real_val"]
    assert "real val images" not in wording.selection_gap(run)
