"""What each long stage is expected to take, once its calls have been timed."""

import dataclasses
import math

import numpy as np
import pytest

from synthmed_jax import checkpoint, search
from synthmed_jax.audit import copy_search
from synthmed_jax.errors import UserError
from synthmed_jax.files import write_json
from synthmed_jax.results.cells import Cell
from synthmed_jax.results.evaluation import BestNetwork, CellScores, Evaluation, FoldScores, Scores
from synthmed_jax.stages import (
    audit,
    audit_time,
    base,
    classify,
    copy_filter,
    diffusion,
    evaluate,
    explain,
    features,
    generate,
    sweep,
    tune,
)
from synthmed_jax.stages.run import make_run as run_of
from synthmed_jax.statistics.intervals import Interval


@pytest.fixture
def make_timed(make_run):
    """A run whose calls have been timed.

    A step of the generator takes 3 s, of the networks 5 and 7, a prediction 0.25 and 0.75; of two
    ResNets beside each other, a step of each adds 4.
    """

    def make(**changes):
        run = make_run(**changes)
        run.compiled.timings.update({"diffusion step": 3.0, "evaluation": 0.5})
        run.compiled.timings.update({"resnet18 8": 5.0, "resnet18 predicts": 0.25})
        run.compiled.timings.update({f"resnet18 8, {n} at once": 4.0 for n in (1, 2)})
        run.compiled.timings.update({"features 22": 7.0, "features 32": 7.0})
        run.compiled.timings["features predicts"] = 0.75
        return run

    return make


# Ten epochs of 40 steps: a set of one batch is passed over until there are 400 in all.
FEATURE_STEPS = 400


def test_a_generator_is_expected_to_take_its_steps_and_its_validations(make_timed):
    run = make_timed(diffusion__train__steps=40, diffusion__train__val_every=20)
    # Four val images at eight noise levels, and 48 samples in ten steps, for one average.
    validation = (4 * 8 + 48 * 10) * 0.5
    assert diffusion.STAGE.expect(run) == pytest.approx(40 * 3 + 2 * validation)
    write_json(run.workdir.diffusion / "best.json", {})
    assert diffusion.STAGE.expect(run) == 0


def test_images_are_expected_in_whole_blocks(make_timed):
    run = make_timed(generate__per_class=9, generate__block=4, generate__steps=10)
    assert generate.STAGE.expect(run) == pytest.approx(4 * 12 * 10 * 0.5)
    changes = {"generate__counts": "notumor=1,glioma=13", "generate__block": 4}
    by_class = make_timed(generate__per_class=9, generate__steps=10, **changes)
    assert generate.STAGE.expect(by_class) == pytest.approx((16 + 12 + 4 + 12) * 10 * 0.5)


def test_a_search_is_expected_to_take_its_trials(make_timed):
    # One epoch of two steps, whatever the arm; then predictions of the four val images.
    training = 5 * 2 + 4 * 0.25
    run = make_timed(tune__trials=6, classifier__arms=("synthetic",))
    assert tune.STAGE.expect(run) == pytest.approx(6 * training)
    space, present = {"x": search.Range(0.0, 1.0)}, {"x": 0.5}
    both = make_timed(tune__trials=6)
    assert tune.STAGE.expect(both) == pytest.approx(6 * 2 * training)
    more = make_timed(tune__trials=6, generate__counts="glioma=24", classifier__arms=("synthetic",))
    assert tune.STAGE.expect(more) == pytest.approx(6 * training)
    four = make_timed(tune__trials=4, classifier__arms=("synthetic",))
    (name,) = tune.folders(run)
    folder = run.workdir.tune / name
    search.search(four.settings.tune, space, present, lambda values, _: values["x"], folder)
    assert tune.STAGE.expect(run) == pytest.approx(2 * training)
    assert tune.STAGE.expect(both) == pytest.approx((2 + 6) * training)
    assert tune.STAGE.expect(four) == 0.0


def test_a_generators_search_is_expected_to_train_draw_and_judge(make_timed):
    run = make_timed(tune__target="diffusion", tune__trials=6, tune__steps=11)
    draws = 4 * 10 * run.settings.generate.steps * 0.5
    # 40 images are one batch; the four val images are predicted after each of ten epochs.
    trial = 11 * 3 + draws + 7 * FEATURE_STEPS + 10 * 4 * 0.75
    assert tune.STAGE.expect(run) == pytest.approx(6 * trial)


def test_a_sweep_is_expected_to_draw_all_its_sets(make_timed):
    run = make_timed(
        sweep__candidates=("ddpm:10", "heun:5"), sweep__per_class=20, sweep__seeds=2,
        generate__spacing="time",
    )  # fmt: skip
    # Heun's first and last of five steps are one evaluation each.
    assert sweep.STAGE.expect(run) == pytest.approx(4 * 20 * 2 * (10 + 8) * 0.5)


def test_a_candidate_that_would_draw_noise_is_refused_before_any_work(make_timed):
    run = make_timed(
        sweep__candidates=("ddpm_beta:10", "heun:5"), generate__spacing="log_snr",
        sweep__per_class=20, sweep__seeds=2,
    )  # fmt: skip
    with pytest.raises(
        UserError, match=r"steps=5 is too few for sampler=heun with spacing=log_snr"
    ):
        sweep.STAGE.expect(run)


def test_features_are_expected_to_take_one_training(make_timed):
    run = make_timed()
    assert len(run.inputs.planned_split.parts.fit) == 28
    # A fifth of them is left out and predicted after every epoch.
    seconds = 7 * FEATURE_STEPS + 10 * 6 * 0.75
    assert features.STAGE.expect(run) == pytest.approx(seconds)


def test_no_setting_of_a_classifier_changes_the_features(make_timed):
    plain = make_timed()
    changed = make_timed(
        classifier__learning_rate=0.1, classifier__batch_size=4, classifier__max_epochs=1
    )
    assert features.STAGE.expect(plain) == features.STAGE.expect(changed)
    one, other = (base.fingerprint(run, features.STAGE) for run in (plain, changed))
    assert one.digest == other.digest


def evaluation_of(cell):
    numbers = [0.5] * 10
    fold = FoldScores(*numbers, fold=0, confusion=((1,),))
    fields = dataclasses.asdict(cell)
    scored = CellScores(**fields, folds=(fold,), mean=Scores(*numbers), std=None,
                        accuracy_interval=Interval(0.4, 0.6, 0.95, "any"))  # fmt: skip
    best = BestNetwork(**fields, fold=0, rule="any")
    return Evaluation("phantom", 0, ("a",), 1, (scored,), best)


def test_explanations_are_expected_to_ask_for_the_perturbed_images_that_they_take(make_timed):
    changes = {f"explain__{name}": n for name, n in [("images", 5), ("repeats", 2), ("regions", 9)]}
    run = make_timed(explain__num_samples=50, **changes)
    # So few are all taken: the errors are not looked at before there are more.
    assert run.settings.explain.precision > 0
    # LIME twice, occlusion, three methods' orders on the way down and up, and five random ones.
    one = 2 * 49 + 10 + (2 * 3 + 5) * 10
    # Of each class, five images and three telling ones; synthetic ones' neighbours, once.
    perturbed = 4 * (5 + 3) * (2 * one + 50)
    # All test images as they are and with each of three regions blanked; all synthetic ones.
    num_test, num_synthetic = run.inputs.planned_split.num_test, sum(run.inputs.synthetic_counts)
    assert (num_test, num_synthetic) == (128, 32)
    evaluations = perturbed + 4 * num_test + num_synthetic
    assert explain.STAGE.expect(run) == 0.25 * evaluations
    for precision, expected in ((0.0, 1000), (0.9, 129)):
        fields = {"explain__num_samples": 1000, "explain__precision": precision}
        more = make_timed(**fields, **changes)
        added = 4 * (5 + 3) * (5 * (expected - 50))
        assert explain.STAGE.expect(more) == 0.25 * (evaluations + added)
    # The network that an evaluation has found best is the one that will be explained; one of other
    # cells has found nothing yet.
    run.compiled.timings["vgg16 predicts"] = 1.0
    evaluation_of(Cell("vgg16", "synthetic", 8, math.inf, 0)).write(run.workdir.evaluation)
    others = make_timed(classifier__backbones=("vgg16",), explain__num_samples=50, **changes)
    base.mark(run_of(others.settings, run.workdir.root), evaluate.STAGE, "finished")
    assert explain.STAGE.expect(run) == 0.25 * evaluations
    base.mark(run, evaluate.STAGE, "finished")
    assert explain.STAGE.expect(run) == 1.0 * evaluations


def test_an_arm_without_a_tested_network_is_not_explained_yet(make_timed):
    """Nor is one whose images have become more, which its network's path does not say."""
    arms = {"classifier__arms": ("synthetic", "real"), "explain__arm": "real"}
    run = make_timed(**arms)
    assert explain.STAGE.units(run) == ("real: not evaluated",)
    evaluation_of(Cell("resnet18", "synthetic", 8, math.inf, 0)).write(run.workdir.evaluation)
    assert explain.STAGE.units(run) == ("real: not evaluated",)
    with pytest.raises(UserError, match=r"tested no network of the arm 'real': name it in"):
        explain.explained_network(run)
    evaluation_of(Cell("resnet18", "real", None, 0.0, 0)).write(run.workdir.evaluation)
    network, images = explain.STAGE.units(run)
    assert network.startswith("resnet18/real/")
    assert images == "8 a class"
    assert explain.STAGE.units(make_timed(**arms, generate__per_class=9))[1] == "9 a class"


def test_trainings_are_expected_from_their_last_saved_epoch(make_timed):
    run = make_timed(classifier__steps=8, classifier__max_epochs=4, classifier__arms=("synthetic",))
    # Two steps of 8 images, two trainings at once; then predictions of val.
    epoch = 4 * 2 + 0.25 * len(run.inputs.planned_split.parts.val)
    assert classify.STAGE.expect(run) == 2 * 4 * epoch
    (cell,) = classify.cells(run)
    folds = [cell.folder(run.workdir.classify, name) for name in ("training0", "training1")]
    checkpoint.save(folds[0] / "resume", 3, {"any": np.zeros(1)})
    assert classify.STAGE.expect(run) == (1 + 4) * epoch
    write_json(folds[1] / "result.json", {})
    assert classify.STAGE.expect(run) == epoch


SEARCH_TIMES = {
    "identity step": 0.5, "identity features": 2.56, "alignment of 64": 7.4,
    "alignment of 192": 20.2,
}  # fmt: skip


@pytest.fixture
def make_searched(make_timed, monkeypatch):
    """A run with a search for copies, though its images are few.

    Aligning takes 1 s and 0.1 s per image, features 0.01 s per image.
    """
    monkeypatch.setattr(copy_search, "why_not", lambda fit: "")

    def make(**changes):
        run = make_timed(**changes)
        run.compiled.timings.update(SEARCH_TIMES)
        return run

    return make


def test_a_search_for_copies_is_expected_to_train_to_look_and_to_be_tried(make_searched):
    run = make_searched()
    num_fit = len(run.inputs.planned_split.parts.fit)
    assert (num_fit, run.settings.diffusion.flips) == (28, "none")

    def look(count):
        return 1 + 0.1 * count + 0.01 * (count + num_fit)

    training = 400 * 0.5 + look(num_fit) + 1 + 0.1 * num_fit
    assert audit_time.seconds_to_calibrate(run) == pytest.approx(training)
    # Ten kinds of changed copies of all 28 images, as many held-out ones, the 32 synthetic ones.
    assert audit_time.seconds_to_search(run) == pytest.approx(11 * look(num_fit) + look(32))
    filtered = make_searched(generate__filter="copies")
    assert copy_filter.STAGE.expect(filtered) == pytest.approx(training + 4 * look(8))
    # Forests take seconds, and train nothing that the audit could use.
    by_class = make_searched(generate__filter="off_class")
    assert copy_filter.STAGE.expect(by_class) == 0
    assert audit.STAGE.expect(by_class) == pytest.approx(audit.STAGE.expect(run))


def test_what_the_filter_trains_the_audit_is_not_expected_to_train_again(make_searched):
    plain, filtered = make_searched(), make_searched(generate__filter="copies")
    calibrating = audit_time.seconds_to_calibrate(plain)
    alone = audit.STAGE.expect(plain)
    assert audit.STAGE.expect(filtered) == pytest.approx(alone - calibrating)
    base.mark(filtered, copy_filter.STAGE, "finished")
    assert audit.STAGE.expect(filtered) == pytest.approx(alone)


def test_attacks_are_expected_to_evaluate_members_others_and_bits(make_timed):
    run = make_timed(generate__guidance=1.0)
    # Without a search. Four levels, two draws, 28 members and as many others; bits of fit and val.
    assert audit_time.seconds_to_calibrate(run) == audit_time.seconds_to_search(run) == 0
    evaluations = 4 * 2 * 2 * 28 + (28 + 4) * 33
    assert audit_time.seconds_to_attack(run) == pytest.approx(0.5 * evaluations)
    # Twelve images of each set are too few for a forest.
    assert audit.STAGE.expect(run) == pytest.approx(0.5 * evaluations)
    guided = make_timed(generate__guidance=2.0)
    assert audit_time.seconds_to_attack(guided) == pytest.approx(0.25 * evaluations)
    calibrated = make_timed(generate__guidance=1.0, audit__references="a,b")
    assert audit_time.seconds_to_attack(calibrated) == pytest.approx(
        0.5 * (evaluations + 2 * 4 * 2 * 2 * 28)
    )


def test_weights_that_are_kept_are_expected_to_be_drawn_from_and_attacked(make_searched):
    plain = make_searched(generate__guidance=1.0)
    assert audit_time.seconds_to_look_back(plain) == 0
    run = make_searched(generate__guidance=1.0, diffusion__train__keep_every=10)
    drawn = 4 * 200
    drawing = 0.5 * drawn * run.compiled.draw.evaluations
    look = 1 + 0.1 * drawn + 0.01 * (drawn + 28)
    attack = 0.5 * 4 * 2 * 2 * 28
    # Of steps 10 and 20.
    expected = pytest.approx(2 * (drawing + look + attack))
    assert audit_time.seconds_to_look_back(run) == expected
    assert audit.STAGE.expect(run) - audit.STAGE.expect(plain) == expected


def test_forests_and_networks_are_expected_on_both_references(make_timed):
    run = make_timed(data__phantom_images=400, generate__per_class=40)
    split = run.inputs.planned_split
    sizes = [min(160, whole // 2) for whole in (len(split.parts.fit), split.num_test)]
    assert sizes[0] < sizes[1]
    for name, seconds in [("pixels", 0.1), ("handmade", 0.2), ("ring", 0.3)]:
        for size, factor in zip(sizes, (1, 4), strict=True):
            run.compiled.timings[f"two-sample forest, {size} x {name}"] = seconds * factor
    run.compiled.timings["two-sample step"] = 0.01
    # Ten times the ten trees that were timed, of three families, five folds, all and by class.
    forests = 5 * 2 * (0.1 + 0.2 + 0.3) * (1 + 4) * 10
    networks = 2 * 2 * 300 * 0.01
    assert audit_time.seconds_to_compare(run) == pytest.approx(2 * (forests + networks))


def test_the_parts_of_the_audit_can_be_timed(make_run, monkeypatch):
    monkeypatch.setattr(copy_search, "why_not", lambda fit: "")
    run = make_run(data__phantom_images=400, generate__per_class=40)
    run.compiled.timings["evaluation"] = 0.5
    assert audit.STAGE.expect(run) > 0
    assert {*SEARCH_TIMES, "two-sample step"} <= set(run.compiled.timings)
    assert all(seconds >= 0 for seconds in run.compiled.timings.values())
