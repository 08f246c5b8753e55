"""How long the search for copies and the audit will take: their parts, timed on `fit` images.

What is short is left out: distances, pictures, intervals, kernel distances.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from synthmed_jax.audit import (
    aligned_search,
    copy_search,
    fidelity,
    identity_net,
    membership,
    planted_copies,
    two_sample,
)
from synthmed_jax.audit.features import FEATURES
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.diffusion import likelihood
from synthmed_jax.evaluation.memorisation import SYMMETRIES
from synthmed_jax.parallel import Tree
from synthmed_jax.results.audit import AUROC_FOREST, AUROC_NETWORK
from synthmed_jax.stages import over_training, timing
from synthmed_jax.stages.run import Run

_QUERIES = (64, 192)  # images that the nearest ones are looked for, in two timed calls
_EMBEDDED = 256
_TREES = 10  # of a timed forest
_CHANGE = 0.1  # standard deviations
_SIDES = 2  # synthetic and other real images are compared with each reference


def seconds_to_calibrate(run: Run) -> float:
    """Of training the search's network and taking thresholds; 0 where there is no search."""
    fit = run.inputs.planned_split.parts.fit
    if copy_search.why_not(fit):
        return 0.0
    step = _timed(run, "identity step", identity_net.timed_step(fit.images, 0))
    # Once to find each image's nearest other one for the network, and once with it.
    searches = 2 * _seconds_to_align(run, fit, len(fit)) + _seconds_to_embed(run, fit, len(fit))
    return identity_net.STEPS * step + searches


def seconds_to_look(run: Run, count: int) -> float:
    """Of looking for the nearest `fit` image of so many images, in one call."""
    fit = run.inputs.planned_split.parts.fit
    if copy_search.why_not(fit):
        return 0.0
    return _seconds_to_align(run, fit, count) + _seconds_to_embed(run, fit, count)


def seconds_to_search(run: Run) -> float:
    """Of measuring what a search that is calibrated flags, and of looking for copies with it."""
    fit = run.inputs.planned_split.parts.fit
    kinds = len(planted_copies.plant(fit.images[:1], 0))
    planted = kinds * seconds_to_look(run, min(copy_search.PLANTED, len(fit)))
    held_out = seconds_to_look(run, _num_attacked(run))
    return planted + held_out + seconds_to_look(run, sum(run.inputs.synthetic_counts))


def seconds_to_attack(run: Run) -> float:
    """Of denoising losses and of bits per dimension, by the times of single evaluations.

    As many members are attacked as the held-out part allows.
    """
    parts, generators = run.inputs.planned_split.parts, len(run.inputs.generator_folders)
    bits = sum(
        min(generators * likelihood.IMAGES, len(each)) for each in (parts.fit, parts.val)
    ) * (likelihood.STRATA + 1)
    of_references = 1 + len(run.settings.audit.reference_folders)
    return (of_references * _losses(run) + bits) * _seconds_per_network_call(run)


def seconds_to_look_back(run: Run) -> float:
    """Of drawing with the weights that a training has kept, and of what these images are asked."""
    train = run.settings.diffusion.train
    if not train.keep_every:
        return 0.0
    drawn = over_training.IMAGES * len(run.inputs.class_names)
    drawing = drawn * run.compiled.draw.evaluations * timing.seconds_per_evaluation(run)
    attack = _losses(run) * _seconds_per_network_call(run)
    steps = train.steps // train.keep_every
    return steps * (drawing + seconds_to_look(run, drawn) + attack)


def _losses(run: Run) -> int:
    """Denoising losses of one attack: of all images, levels of noise and draws."""
    return len(membership.LEVELS) * membership.DRAWS * 2 * _num_attacked(run)


def _num_attacked(run: Run) -> int:
    """Members that are attacked; of others there are as many."""
    split, num_classes = run.inputs.planned_split, len(run.inputs.class_names)
    most = run.settings.audit.images // num_classes
    members = sum(min(count, most) for count in split.parts.fit.counts.values())
    others = min(num_classes * most, split.num_test)
    return min(members, others)


def _seconds_per_network_call(run: Run) -> float:
    """Of one image; an evaluation of the sampler is two where it is guided."""
    guided = 2 if run.settings.generate.guidance != 1 else 1
    return timing.seconds_per_evaluation(run) / guided


def seconds_to_compare(run: Run) -> float:
    """Of the forests and networks that tell sets of images apart."""
    split, limit = run.inputs.planned_split, run.settings.audit.images
    fit = split.parts.fit
    most = min(limit, sum(run.inputs.synthetic_counts))
    sizes = [min(most, whole // 2) for whole in (len(fit), split.num_test)]
    drawn = fidelity.draw(fit, fit, limit, np.random.default_rng(run.settings.audit.seed))
    if len(drawn.labels) < fidelity.LEAST:
        return 0.0
    numbers = fidelity.numbers_of(drawn.sets, FEATURES)
    seconds = 0.0
    for (measure, features), (_, real, other) in numbers.items():
        if measure == AUROC_FOREST:
            # Of all classes together, and of each alone: those have as many images together.
            folds = 2 * two_sample.FOLDS
            seconds += sum(
                folds * _seconds_per_forest(run, features, np.concatenate([real, other]), size)
                for size in sizes
            )
        elif measure == AUROC_NETWORK:
            steps = len(sizes) * two_sample.NETWORK_FOLDS * two_sample.STEPS
            seconds += steps * _timed(
                run, "two-sample step", two_sample.timed_network_step(real, 0)
            )
    return _SIDES * seconds


def _seconds_per_forest(run: Run, features: str, real: np.ndarray, size: int) -> float:
    """One fold of a forest that tells two sets of so many images apart.

    Trees that can't tell sets apart are the deepest. There are fewer `fit` images than held-out
    ones: they are drawn again and again, each time a little changed so that no two are equal.
    """
    rng = np.random.default_rng(0)
    both = real[rng.integers(len(real), size=2 * size)].astype(np.float32)
    both += _CHANGE * both.std(axis=0) * rng.standard_normal(both.shape, np.float32)
    labels = np.arange(2 * size) % 2
    learned = np.arange(2 * size) % two_sample.FOLDS > 0

    def grow() -> np.ndarray:
        return two_sample.forest_scores(both[learned], labels[learned], both[~learned], 0, _TREES)

    name = f"two-sample forest, {size} x {features}"
    return _timed(run, name, grow) * two_sample.TREES / _TREES


def _seconds_to_align(run: Run, fit: ImageSet, count: int) -> float:
    """Of one search by alignment: what it takes anyway, and what each image adds."""
    flips, seconds = run.settings.diffusion.flips, []
    for queries in _QUERIES:
        images = fit.images[np.arange(queries) % len(fit)]
        seconds.append(
            _timed(
                run,
                f"alignment of {queries}",
                functools.partial(aligned_search.find_nearest, images, fit.images, flips),
            )
        )
    slope = max(0.0, (seconds[1] - seconds[0]) / (_QUERIES[1] - _QUERIES[0]))
    return max(0.0, seconds[0] - _QUERIES[0] * slope) + count * slope


def _seconds_to_embed(run: Run, fit: ImageSet, count: int) -> float:
    """Of one search by features, which embeds all `fit` images under each symmetry."""
    images = fit.images[np.arange(_EMBEDDED) % len(fit)]
    params = identity_net.begin(images, 0)
    seconds = _timed(
        run, "identity features", functools.partial(identity_net.embed, params, images)
    )
    symmetries = len(SYMMETRIES[run.settings.diffusion.flips])
    return seconds / _EMBEDDED * (count + symmetries * len(fit))


def _timed(run: Run, name: str, call: Callable[[], Tree]) -> float:
    if name not in run.compiled.timings:
        run.compiled.timings[name] = timing.seconds_per_call(name, call)
    return run.compiled.timings[name]
