"""The weighted ridge regression of LIME in closed form, for all classes at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import threadpoolctl
from scipy import special

from synthmed_jax.explain.masks import draw_masks

KERNEL_WIDTH = 0.25  # of lime 0.2
ALPHA = 1.0  # of its ridge
MANY = 8192  # masks that a logistic model is asked about
TINY = 1e-12  # least probability whose logarithm is taken


class Fit(NamedTuple):
    """A linear model of the network's answers around one image.

    Attributes:
      weights: f64[R,K], by how much class k's probability rises when region r is shown.
      standard_errors: f64[R,K], of the weights, from the draw of the masks; NaN where they are not
        known: no more groups of masks than parameters leave nothing to measure them by.
      intercepts: f64[K], the answer with everything hidden.
      r2: f64[K], the share of the answers' weighted variance that the model accounts for, at most
        1; 0 where the answers do not vary.
    """

    weights: np.ndarray
    standard_errors: np.ndarray
    intercepts: np.ndarray
    r2: np.ndarray


def kernel(masks: np.ndarray) -> np.ndarray:
    """Closeness of masks bool[N,R] to the whole image, f64[N] in (0, 1] (Ribeiro et al., 2016).

    exp(-d^2 / 2 w^2) of the cosine distance d = 1 - sqrt(share shown).
    """
    distance = 1 - np.sqrt(masks.mean(axis=1))
    return np.exp(-(distance**2) / (2 * KERNEL_WIDTH**2))


@functools.cache
def _blas() -> threadpoolctl.ThreadpoolController:
    """To be limited to one thread, on matrices as small as these.

    More threads gain nothing, and afterwards they spin for some 50 ms on the cores that the network
    needs next.
    """
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


def fit(
    masks: np.ndarray, answers: np.ndarray, group: np.ndarray, planned: int | None = None
) -> Fit:
    """Minimises sum_n k_n (a_n - c - m_n w)^2 + ALPHA |w|^2 for each class.

    Among more masks the whole image and the penalty weigh less. Where fewer than `planned` are
    asked about, both weigh by as much less as if all were: what is estimated stays the same, and
    only its error is larger.

    The standard errors are those of the sandwich estimator (White, 1980), with the rows of a group
    as one observation (Liang & Zeger, 1986): no assumption on how the model fails. They are of the
    draw of the masks; the whole image, which every draw holds, adds nothing to them.

    Args:
      masks: bool[N,R]; the first row is the whole image.
      answers: f[N,K], probabilities.
      group: i32[N] from 0, rows that were drawn together; the first row is alone in group 0 (see
        `draw_masks`).
      planned: how many masks the whole image and the penalty weigh as if there were; None: N.
    """
    with _blas().limit(limits=1):
        design = _design(masks, group, planned or len(masks))
        solution = _solve(design, answers.astype(np.float64))
        errors = _standard_errors(design, solution)
        return _fit(design, answers, solution.weights, solution.intercepts, errors)


def fit_controlled(
    masks: np.ndarray,
    answers: np.ndarray,
    group: np.ndarray,
    seed: int,
    planned: int | None = None,
) -> Fit:
    """Estimates what `fit` does with less noise from as many evaluations, by a control variate.

    A logistic model of the answers costs nothing to evaluate, so the linear model of its answers is
    known almost exactly from MANY masks. The network's evaluations are then needed only for the
    difference between its answers and the logistic model's.

    Args:
      masks, answers, group, planned: as of `fit`; answers above 0.
      seed: of the logistic model's masks.
    """
    planned = planned or len(masks)
    with _blas().limit(limits=1):
        answers = answers.astype(np.float64)
        control = _logistic(masks, answers)
        many = _many(seed, masks.shape[1], planned)
        known = _solve(many, control(many.masks))
        design = _design(masks, group, planned)
        rest = _solve(design, answers - control(masks))
        # The logistic model also fits what is of even order in the regions. That cancels out of a
        # pair; where rows are single, it costs as many degrees of freedom again.
        models = 1 if len(design.second) else 2
        errors = np.hypot(_standard_errors(many, known), _standard_errors(design, rest, models))
        return _fit(
            design,
            answers,
            known.weights + rest.weights,
            known.intercepts + rest.intercepts,
            errors,
        )


def _logistic(masks: np.ndarray, answers: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fits the logarithms linearly: returns bool[M,R] -> f64[M,K], the softmax of that fit."""
    x, x_mean = masks - masks.mean(axis=0), masks.mean(axis=0)
    inverse = np.linalg.inv(x.T @ x + ALPHA * np.eye(x.shape[1]))
    model = _regress(x, x_mean, np.ones(len(masks)), inverse, np.log(np.maximum(answers, TINY)))
    return lambda rows: special.softmax(rows @ model.weights + model.intercepts, axis=1)


class _Design(NamedTuple):
    """What a weighted ridge regression on N masks and its standard errors need of the masks alone.

    Attributes:
      masks: bool[N,R].
      closeness: f64[N]; the whole image's and `inverse`'s penalty are as among the planned masks.
      mean: f64[R], weighted.
      centred: f64[N,R], masks less their means.
      inverse: f64[R,R], of the normal equations' matrix A.
      spread: variance, over draws, of how often two regions are shown together.
      squares: f64[N-1,R], of (A^-1 x_n)_r, of all masks but the whole image.
      second: i64[P], rows of those that are of one group with the row before.
      products: f64[P,R], of A^-1 x_n of the two rows of a group.
      num_groups: the whole image's among them.
    """

    masks: np.ndarray
    closeness: np.ndarray
    mean: np.ndarray
    centred: np.ndarray
    inverse: np.ndarray
    spread: float
    squares: np.ndarray
    second: np.ndarray
    products: np.ndarray
    num_groups: int


def _design(masks: np.ndarray, group: np.ndarray, planned: int) -> _Design:
    closeness, share = kernel(masks), len(masks) / planned
    closeness[0] *= share
    mean = np.average(masks, axis=0, weights=closeness)
    centred = masks - mean
    r = masks.shape[1]
    normal = centred.T @ (centred * closeness[:, None]) + ALPHA * share * np.eye(r)
    inverse = np.linalg.inv(normal)
    x = centred[1:]
    together = x.T @ x
    np.fill_diagonal(together, 0)
    pulled = x @ inverse
    # No group has more than two rows.
    second = np.flatnonzero(group[1:] == group[:-1])
    return _Design(
        masks=masks,
        closeness=closeness,
        mean=mean,
        centred=centred,
        inverse=inverse,
        spread=float((together**2).sum() / max(r * (r - 1), 1)),
        squares=pulled**2,
        second=second,
        products=pulled[second] * pulled[second - 1],
        num_groups=int(group[-1]) + 1,
    )


@functools.lru_cache(maxsize=3)
def _many(seed: int, num_regions: int, planned: int) -> _Design:
    """MANY masks: the same at each look at an explanation, and for images of as many regions.

    Kept for a few seeds, since the seeds of an image take turns.
    """
    masks, group = draw_masks(seed, MANY, num_regions, "balanced")
    return _design(masks, group, planned)


class _Solution(NamedTuple):
    """A weighted ridge regression.

    Attributes:
      weights: f64[R,K].
      intercepts: f64[K].
      pulls: f64[N,K], residuals times their rows' closeness.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    pulls: np.ndarray


def _solve(design: _Design, answers: np.ndarray) -> _Solution:
    return _regress(design.centred, design.mean, design.closeness, design.inverse, answers)


def _regress(
    centred: np.ndarray,
    mean: np.ndarray,
    closeness: np.ndarray,
    inverse: np.ndarray,
    answers: np.ndarray,
) -> _Solution:
    y_mean = np.average(answers, axis=0, weights=closeness)
    y = answers - y_mean
    weights = inverse @ (centred.T @ (closeness[:, None] * y))
    pulls = closeness[:, None] * (y - centred @ weights)
    return _Solution(weights, y_mean - mean @ weights, pulls)


def _fit(
    design: _Design,
    answers: np.ndarray,
    weights: np.ndarray,
    intercepts: np.ndarray,
    errors: np.ndarray,
) -> Fit:
    """Adds the weighted R2."""
    closeness = design.closeness
    unexplained = closeness @ (answers - intercepts - design.masks @ weights) ** 2
    total = closeness @ (answers - np.average(answers, axis=0, weights=closeness)) ** 2
    # Below this it is rounding, not variation: the network sees no difference between the masks.
    varies = total > 1e-12 * len(answers)
    r2 = np.where(varies, 1 - unexplained / np.where(varies, total, 1), 0.0)
    return Fit(weights, errors, intercepts, r2)


def _standard_errors(design: _Design, solution: _Solution, models: int = 1) -> np.ndarray:
    """Square roots of the diagonal of A^-1 V A^-1, V the variance of sum_n x_n p_n over draws.

    x_n is a row's centred mask and p_n its pull. The whole image's, x_0 p_0, is the same in every
    draw and is left out. The rest is of two parts, which are not correlated:
    * what of the pulls is linear in the regions: what balances the whole image and the penalty. Its
      sum varies only as two regions are shown together more or less often than apart, and how much
      they are the masks themselves tell; over a whole block of balanced masks, not at all;
    * what is left: V is the sum of squares over groups, (p_a x_a + p_b x_b)^2 over pairs of rows.

    Args:
      design: of the N rows.
      solution: of the same.
      models: how many of R + 1 parameters the residuals were left by.

    Returns:
      f64[R,K]; NaN where there are no more groups than parameters.
    """
    x, inverse, pulls = design.centred[1:], design.inverse, solution.pulls[1:]
    n, r = x.shape
    freedom = design.num_groups - models * (r + 1)
    if freedom <= 0:
        return np.full((r, pulls.shape[1]), np.nan)
    linear = 4 / n * (x.T @ pulls)  # a region's variance is 1/4 in every sampling
    of_linear = design.spread * (
        inverse**2 @ ((linear**2).sum(axis=0) - 2 * linear**2) + (inverse @ linear) ** 2
    )
    left = pulls - x @ linear
    of_pairs = design.products.T @ (left[design.second] * left[design.second - 1])
    of_rest = design.num_groups / freedom * (design.squares.T @ left**2 + 2 * of_pairs)
    return np.sqrt(np.maximum(of_linear, 0) + np.maximum(of_rest, 0))
