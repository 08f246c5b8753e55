import dataclasses
import importlib
import math
import time

import numpy as np
import pytest

from synthmed_jax import checkpoint, expected, search, settings, stages, verdicts
from synthmed_jax.experiment import Run
from synthmed_jax.files import write_json
from synthmed_jax.results.evaluation import CellScores, Evaluation, FoldScores, Scores
from synthmed_jax.statistics.intervals import Interval


@pytest.fixture
def make_run(tmp_path):
    """A run at smoke scale whose calls have been timed.

    A step of the generator takes 3 s, of the networks 5 and 7, a prediction 0.25 and 0.75.
    """

    def make(**changes):
        config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
        config.data.cache_dir = str(tmp_path / "cache")
        config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
        run = Run(settings.from_config(config), tmp_path / "run")
        run.timings.update({"diffusion step": 3.0, "evaluation": 0.5})
        run.timings.update({"resnet18 8": 5.0, "resnet18 predicts": 0.25})
        run.timings.update({"features 8": 7.0, "features predicts": 0.75})
        return run

    return make


def test_a_search_is_expected_to_take_its_trials(make_run):
    # One epoch of 16 images, half of 4 x 8, in steps of 8; then predictions of 4 x 8 real ones.
    a_training = 5 * 2 + 32 * 0.25
    run = make_run(tune__trials=6)
    assert expected.expected_seconds(run, ["tune"])["tune"] == pytest.approx(6 * a_training)
    space, present = {"x": search.Range(0.0, 1.0)}, {"x": 0.5}
    four = make_run(tune__trials=4).settings.tune
    search.search(four, space, present, lambda values, report: values["x"], run.search_folder)
    assert expected.expected_seconds(run, ["tune"])["tune"] == pytest.approx(2 * a_training)
    done = make_run(tune__trials=4)
    assert expected.expected_seconds(done, ["tune"]) == {"tune": 0.0}


def test_a_generators_search_is_expected_to_train_draw_and_judge(make_run):
    run = make_run(tune__target="diffusion", tune__trials=6, tune__steps=11)
    draws = 4 * 10 * run.settings.sample.steps * 0.5
    a_trial = 11 * 3 + draws + 7 * (20 // 8) + 32 * 0.75
    assert expected.expected_seconds(run, ["tune"])["tune"] == pytest.approx(6 * a_trial)


def test_a_sweep_is_expected_to_draw_all_its_sets(make_run):
    run = make_run(sweep__candidates=("ddpm:10", "heun:5"), sweep__per_class=20, sweep__seeds=2)
    seconds = 4 * 20 * 2 * (10 + 9) * 0.5
    assert expected.expected_seconds(run, ["sweep"])["sweep"] == pytest.approx(seconds)


def test_features_are_expected_to_take_one_training(make_run):
    run = make_run()
    num_fit, num_val = run.part_sizes
    seconds = 7 * (num_fit // 8) + 0.75 * num_val
    assert expected.expected_seconds(run, ["features"])["features"] == pytest.approx(seconds)


def test_explanations_are_expected_to_ask_for_every_perturbed_image(make_run):
    changes = {f"explain__{name}": n for name, n in [("images", 5), ("repeats", 2), ("regions", 9)]}
    run = make_run(explain__num_samples=50, **changes)
    # LIME twice, occlusion, and on the way down and up three methods' orders and five random ones.
    one = 2 * 50 + 10 + 2 * 8 * 10
    # Of each class, five images and three telling ones; synthetic ones' neighbours, once.
    evaluations = 4 * (5 + 3) * (2 * one + 50)
    assert expected.expected_seconds(run, ["explain"]) == {"explain": 0.25 * evaluations}
    # The network that an evaluation has found best is the one that will be explained; one of other
    # cells has found nothing yet.
    run.timings["vgg16 predicts"] = 1.0
    scores = Scores(*10 * [1.0])
    cell = CellScores(
        *("vgg16", "synthetic", 8, math.inf, 0),
        folds=(FoldScores(*dataclasses.astuple(scores), fold=0, confusion=((1,),)),),
        mean=scores,
        std=None,
        accuracy_interval=Interval(0.0, 1.0, 0.95, "any"),
    )
    best = verdicts.best_network([cell])
    evaluation = Evaluation("phantom", 0, ("a",), 1, (cell,), best)
    evaluation.write(run.workdir / "evaluate" / "metrics.json")
    others = make_run(classifier__backbones=("vgg16",), explain__num_samples=50, **changes)
    stages.mark(dataclasses.replace(others, workdir=run.workdir), "evaluate", "finished")
    assert expected.expected_seconds(run, ["explain"]) == {"explain": 0.25 * evaluations}
    stages.mark(run, "evaluate", "finished")
    assert expected.expected_seconds(run, ["explain"]) == {"explain": 1.0 * evaluations}


def test_trainings_are_expected_from_their_last_saved_epoch(make_run):
    run = make_run(classifier__max_epochs=4, classifier__arms=("synthetic",))
    # Folds of 16 images in steps of 8; then predictions of the 16 others and of val.
    an_epoch = 5 * 2 + 0.25 * (16 + run.part_sizes[1])
    assert expected.expected_seconds(run, ["classify"]) == {"classify": 2 * 4 * an_epoch}
    folds = [run.cells[0].folder(run.workdir / "classify", fold) for fold in (0, 1)]
    checkpoint.save(folds[0] / "resume", 3, {"any": np.zeros(1)})
    assert expected.expected_seconds(run, ["classify"]) == {"classify": (1 + 4) * an_epoch}
    write_json(folds[1] / "result.json", {})
    assert expected.expected_seconds(run, ["classify"]) == {"classify": an_epoch}


def test_the_first_call_is_not_counted_and_the_median_is_taken():
    pauses = iter([0.2, 0.01, 0.1, 0.02])
    assert expected.seconds_a_call(lambda: time.sleep(next(pauses))) == pytest.approx(
        0.02, abs=0.015
    )


def test_a_long_call_is_timed_once():
    calls = []
    seconds = expected.seconds_a_call(lambda: (calls.append(1), time.sleep(0.6)))
    assert seconds == pytest.approx(0.6, abs=0.3)
    assert len(calls) == 2  # the first compiles


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (40, "40 s"), (119, "119 s"), (700, "12 min"), (7200, "2.0 h"), (86400, "24 h"),
     (200_000, "2.3 days")],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, words):
    assert expected.in_words(seconds) == words
