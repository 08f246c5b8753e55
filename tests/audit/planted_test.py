"""From images to the verdict on releases: a generator that copies, one of noise, an honest one."""

import functools

import numpy as np
import pytest

from synthmed_jax.audit import (
    copy_search,
    identity_net,
    membership,
    membership_scores,
    memorisation,
    release,
)
from synthmed_jax.data.held_out import MembershipSets
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.membership import IMAGES_AND_WEIGHTS, IMAGES_ONLY
from synthmed_jax.verdicts import Release
from tests.audit.aligned_search_test import scenes
from tests.audit.membership_test import STEPS, make_losses

PER_CLASS = 60
RNG = np.random.default_rng(0)


def image_set(images, name):
    labels = np.repeat([0, 1], len(images) // 2).astype(np.int32)
    return ImageSet(images, labels, tuple(f"{name}{i}.png" for i in range(len(images))), ("a", "b"))


FIT = image_set(scenes(2 * PER_CLASS, 20), "fit")
HELD_OUT = image_set(scenes(2 * PER_CLASS, 21), "test")
STRANGERS = scenes(2 * PER_CLASS, 22)
# Of 120 drawn images 24 are `fit` images with a little noise.
COPIES = np.concatenate(
    [
        np.clip(FIT.images[:24] + RNG.normal(0, 5, FIT.images[:24].shape), 0, 255),
        STRANGERS[24:],
    ]
).astype(np.uint8)
NOISE = RNG.integers(0, 256, FIT.images.shape).astype(np.uint8)


@functools.cache
def prepared():
    return copy_search.prepare(FIT, "none", 0)


def judge(images, gap=0.0):
    """Verdict by kind of release, of a set of images and the losses of its generator.

    Args:
      gap: by which losses of learned images are lower.
    """
    synthetic, n = image_set(images, "s"), len(FIT)
    sets = MembershipSets(FIT, HELD_OUT, np.arange(n), np.arange(n) + n, np.zeros(n, bool))
    nearness = membership_scores.nearness_scores(sets, synthetic, "none")
    num_fit = {"a": PER_CLASS, "b": PER_CLASS}
    losses = make_losses(n, gap)
    attacks, _ = membership.judge(sets, num_fit, losses, STEPS, nearness, {}, 1000, seed=0)
    copies, _ = memorisation.measure_memorisation(synthetic, FIT, "none", 0, prepared())
    return {each.released: each.verdict for each in release.judge(copies, attacks)}


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy_search, "PLANTED", 20)
        short = functools.partial(identity_net.train, steps=20)
        patch.setattr(copy_search.identity_net, "train", short)
        yield


@pytest.mark.parametrize(
    ("images", "gap", "of_images", "of_weights"),
    [
        (COPIES, 0.0, Release.COPIES_FOUND, Release.COPIES_FOUND),
        (NOISE, 0.0, Release.NOT_FOUND, Release.NOT_FOUND),
        (STRANGERS, 0.0, Release.NOT_FOUND, Release.NOT_FOUND),
        (STRANGERS, 0.15, Release.NOT_FOUND, Release.ATTACK_SUCCEEDS),
    ],
    ids=["copies", "noise", "honest", "weights that know"],
)
def test_what_was_planted_is_found_and_nothing_else(images, gap, of_images, of_weights):
    assert judge(images, gap) == {IMAGES_ONLY: of_images, IMAGES_AND_WEIGHTS: of_weights}
