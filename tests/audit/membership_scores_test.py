import numpy as np

from synthmed_jax.audit import membership_scores
from synthmed_jax.statistics import roc
from tests.audit.membership_test import make_losses


def test_scores_weigh_all_levels_alike():
    members, others = make_losses(gap=0.1)
    scaled = membership_scores.loss_scores(members * [1, 9, 70, 2], others * [1, 9, 70, 2])
    for score, expected in zip(scaled, membership_scores.loss_scores(members, others), strict=True):
        np.testing.assert_allclose(score, expected)


def test_calibration_takes_away_what_is_hard_for_all():
    rng = np.random.default_rng(0)
    hard = rng.normal(5, 2, (200, 1))
    lower = np.repeat([0.3, 0.0], 100)[:, None]
    losses = hard - lower + rng.normal(0, 0.1, (200, 2))
    references = np.stack([hard + rng.normal(0, 0.1, (200, 2)) for _ in range(3)])
    none = np.zeros((3, 200), bool)
    calibrated = membership_scores.calibrate(losses, references, none)
    np.testing.assert_allclose(calibrated, losses - references.mean(axis=0))
    assert roc.rank_area(-losses[:100, 0], -losses[100:, 0]) < 0.65
    assert roc.rank_area(-calibrated[:100, 0], -calibrated[100:, 0]) > 0.9


def test_a_generator_is_not_asked_about_what_it_has_learned():
    losses = np.full((3, 1), 5.0)
    references = np.array([[[1.0], [1.0], [1.0]], [[3.0], [3.0], [3.0]]])
    learned = np.array([[False, True, True], [False, False, True]])
    calibrated = membership_scores.calibrate(losses, references, learned)
    np.testing.assert_array_equal(calibrated, [[3.0], [2.0], [np.nan]])
