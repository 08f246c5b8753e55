import dataclasses
import itertools
import math

import pytest

from synthmed_jax import best_cells
from tests.cells import cell


def test_the_headline_is_of_one_network_where_arms_have_it():
    synthetic, other = cell(0.2), cell(0.3, backbone="vgg16")
    real = cell(0.4, arm="real")
    better, mixed = cell(0.1, arm="real", backbone="vgg16"), cell(0.1, arm="mixed", backbone="x")
    chosen = best_cells.headline([mixed, better, real, other, synthetic])
    assert chosen == {"synthetic": synthetic, "real": real, "mixed": mixed}
    assert list(chosen) == ["synthetic", "real", "mixed"]
    assert best_cells.headline([better]) == {"real": better}


def test_the_best_cell_has_the_lowest_mean_validation_loss():
    best, other = cell(0.1, 0.4), cell(0.2, 0.4, backbone="alexnet")
    assert best_cells.of_arm([other, best], "synthetic") is best


def test_test_numbers_play_no_part():
    best, other = cell(0.1, test=0.2), cell(0.2, backbone="alexnet", test=0.99)
    assert best_cells.of_arm([other, best], "synthetic") is best


def test_only_cells_of_the_arm_compete():
    cells = [cell(0.3), cell(0.1, arm="real")]
    assert best_cells.of_arm(cells, "synthetic") is cells[0]
    assert best_cells.of_arm(cells, "mixed") is None
    with pytest.raises(ValueError, match="no cell of the arm 'mixed'"):
        best_cells.network(cells, "mixed")


def test_cells_of_fewer_images_are_not_asked():
    all_images, few = cell(0.3, n=200), cell(0.1, n=50)
    assert best_cells.of_arm([few, all_images], "synthetic") is all_images
    by_class = cell(0.1, n=(200, 199))
    other = cell(0.4, n=(200, 200))
    assert best_cells.of_arm([by_class, other], "synthetic") is other


def test_ties_go_to_the_first_by_name_ratio_and_seed_in_any_order():
    ordered = [
        cell(backbone="alexnet", seed=7),
        cell(ratio=1.0),
        cell(ratio=2.0, seed=1),
        cell(ratio=2.0, seed=2),
        cell(),
    ]
    for first, second in itertools.combinations(ordered, 2):
        assert best_cells.of_arm([first, second], "synthetic") is first
        assert best_cells.of_arm([second, first], "synthetic") is first


@pytest.mark.parametrize("losses", list(itertools.permutations((0.3, 0.1, 0.2))))
def test_the_order_of_folds_moves_no_choice(losses):
    numbered = cell(*losses)
    shuffled = dataclasses.replace(numbered, folds=numbered.folds[::-1])
    rival = cell(0.21, backbone="alexnet")
    for one in (numbered, shuffled):
        assert best_cells.of_arm([rival, one], "synthetic") is one
        assert best_cells.network([rival, one]).fold == losses.index(0.1)


def test_of_equal_folds_the_first_is_taken():
    tied = cell(0.2, 0.1, 0.1)
    for folds in (tied.folds, tied.folds[::-1]):
        assert best_cells.network([dataclasses.replace(tied, folds=folds)]).fold == 1


def test_a_fold_that_diverged_does_not_win():
    diverged, other = cell(0.01, math.nan), cell(0.9, 0.9, backbone="vgg16")
    assert best_cells.of_arm([diverged, other], "synthetic") is other
    assert best_cells.network([cell(math.nan, 0.9)]).fold == 1
    assert best_cells.of_arm([diverged], "synthetic") is diverged


def test_the_best_network_is_named_with_its_rule():
    best = best_cells.network([cell(0.3, 0.2, arm="real", n=None, ratio=0.0)], "real")
    assert (best.backbone, best.arm, best.n, best.ratio, best.seed) == (
        "resnet18", "real", None, 0.0, 0
    )  # fmt: skip
    assert "among the real arm's cells" in best.rule
