import pytest

from synthmed_jax.stages.tune_classifier import CLASSIFIER


def test_every_arm_that_can_learn_has_a_search_of_the_first_network(make_run):
    run = make_run(
        classifier__arms=("synthetic", "synthetic_shuffled", "real"),
        classifier__backbones=("resnet18", "vgg16"),
    )
    targets = list(CLASSIFIER.targets(run))
    folders = ("classifier/resnet18/synthetic", "classifier/resnet18/real")
    assert tuple(target.folder for target in targets) == CLASSIFIER.folders(run) == folders
    assert [target.arm for target in targets] == ["synthetic", "real"]
    assert {target.searched for target in targets} == {"classifier/resnet18"}
    assert targets[0].space == targets[1].space


@pytest.mark.parametrize(
    ("flips", "choices"),
    [
        ("none", ("none",)),
        ("horizontal", ("none", "horizontal")),
        ("dihedral", ("none", "horizontal", "dihedral")),
    ],
)
def test_nothing_is_flipped_that_the_config_does_not_flip(make_run, flips, choices):
    target = next(CLASSIFIER.targets(make_run(classifier__flips=flips, classifier__shift=3)))
    assert target.space["classifier.flips"] == choices
    assert target.space["classifier.shift"] == (0, 3, 6)
