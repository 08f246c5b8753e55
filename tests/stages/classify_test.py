import math

import pytest

from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import UserError
from synthmed_jax.results.cells import Cell
from synthmed_jax.stages import base, classify

FOLDS = {"classifier__seeds": 0, "classifier__folds": 2, "classifier__selection": "synthetic"}


def test_every_network_is_trained_on_every_arm(make_run):
    run = make_run(
        classifier__backbones=("resnet18", "vgg16"), generate__per_class=5, classifier__seed=3
    )
    assert classify.cells(run) == [
        Cell(backbone, arm, n, ratio, 3)
        for backbone in ("resnet18", "vgg16")
        for arm, n, ratio in (("synthetic", 5, math.inf), ("real", None, 0.0))
    ]
    assert classify.STAGE.units(run)[:3] == (
        "resnet18/synthetic/5-inf-s3/training0",
        "resnet18/synthetic/5-inf-s3/training1",
        "resnet18/real/all-0-s3/training0",
    )


def test_folds_are_no_units_of_their_own(make_run):
    run = make_run(generate__per_class=5, **FOLDS)
    assert classify.STAGE.units(run) == ("resnet18/synthetic/5-inf-s0", "resnet18/real/all-0-s0")


def test_the_grid_is_every_training_by_its_folder(make_run):
    run = make_run(generate__per_class=5, **FOLDS)
    assert classify.grid(run) == (
        *(f"resnet18/synthetic/5-inf-s0/fold{k}" for k in (0, 1)),
        *(f"resnet18/real/all-0-s0/fold{k}" for k in (0, 1)),
    )
    run = make_run(generate__per_class=5)
    assert classify.grid(run) == classify.STAGE.units(run)


def test_smaller_synthetic_sets_are_cells_of_a_curve(make_run):
    run = make_run(generate__per_class=5, classifier__amounts=(2, 5, 3))
    assert [(cell.arm, cell.n) for cell in classify.cells(run)] == [
        ("synthetic", 5), ("real", None), ("synthetic", 2), ("synthetic", 3),
    ]  # fmt: skip
    small = classify.cells(run)[2]
    assert classify.materials_of(small, run.inputs.planned_materials).counts == (2, 2, 2, 2)
    with pytest.raises(UserError, match=r"amounts=6 takes 6 synthetic images .* 5 are drawn"):
        classify.STAGE.check(make_run(generate__per_class=5, classifier__amounts=(6,)))


def test_more_seeds_add_trainings_and_change_nothing_else(make_run):
    few, more = make_run(), make_run(classifier__seeds=4)
    assert set(classify.STAGE.units(few)) < set(classify.STAGE.units(more))
    assert base.fingerprint(few, classify.STAGE) == base.fingerprint(more, classify.STAGE)


@pytest.mark.parametrize(
    ("augmented", "plain"), [("all", ("real",)), ("real_augmented", ("real", "mixed_1to1"))]
)
def test_arms_are_augmented_as_the_generator_is(make_run, augmented, plain):
    run = make_run(
        classifier__shift=1, classifier__flips="horizontal", classifier__warp=0.25,
        classifier__augmented=augmented, diffusion__flips="dihedral", diffusion__shift=3,
    )  # fmt: skip
    blocks = (run.settings.classifier, run.settings.diffusion)
    for arm in ("real", "real_augmented", "mixed_1to1"):
        less, more = Augmentation("horizontal", 1), Augmentation("dihedral", 3, 0.25)
        wanted = less if arm in plain else more
        side = run.settings.classifier.image_size
        assert classify.augmentation_of(*blocks, arm, side) == wanted
        # Pixels of images of half the side are two pixels of the network's.
        scaled = classify.augmentation_of(*blocks, arm, side // 2).shift
        assert scaled == (1 if arm in plain else 6)


def test_an_unknown_choice_of_augmented_arms_is_refused(make_run):
    with pytest.raises(UserError, match=r"config.classifier.augmented='none'"):
        make_run(classifier__augmented="none")


def test_counts_by_class_are_cells_of_their_own(make_run):
    def units(**changes):
        return classify.STAGE.units(make_run(generate__per_class=5, **FOLDS, **changes))

    assert units(generate__counts="notumor=9,glioma=5") == (
        "resnet18/synthetic/5+5+9+5-inf-s0",
        "resnet18/real/all-0-s0",
    )
    same = "glioma=7,meningioma=7,notumor=7,pituitary=7"
    assert units(generate__counts=same) == (
        "resnet18/synthetic/7-inf-s0",
        "resnet18/real/all-0-s0",
    )


def test_folds_that_can_not_be_made_are_refused_before_any_work(make_run):
    run = make_run(generate__per_class=8, **FOLDS | {"classifier__folds": 9})
    with pytest.raises(UserError, match=r"9 folds need that many images per class, glioma has 8"):
        classify.STAGE.check(run)
    fields = FOLDS | {"generate__per_class": 9}
    few = make_run(**fields | {"generate__counts": "notumor=3", "classifier__folds": 4})
    with pytest.raises(UserError, match=r"4 folds need .* notumor has 3"):
        classify.STAGE.check(few)
    real = make_run(**fields | {"classifier__folds": 9})
    with pytest.raises(UserError, match=r"real.*9 folds need .* glioma has 7"):
        classify.STAGE.check(real)


def test_selection_by_an_empty_val_is_refused(make_run):
    run = make_run(split__val_fraction=0.0, classifier__selection="val")
    with pytest.raises(UserError, match="val is empty"):
        classify.STAGE.check(run)


def test_a_file_of_weights_counts_by_its_content(make_run, tmp_path):
    path = tmp_path / "weights.pth"
    digests = set()
    for content in (b"one", b"other"):
        path.write_bytes(content)
        digests.add(classify.weights_digest(make_run(classifier__weights=str(path)))["weights"])
    assert len(digests) == 2
    assert classify.weights_digest(make_run()) == {}
