"""The weighted ridge regression of LIME in closed form, for all classes at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import threadpoolctl
from scipy import sparse, special

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
    # BLAS's threads gain nothing on matrices this small, and afterwards they spin for some 50 ms on
    # the cores that the network needs next.
    with _blas().limit(limits=1):
        closeness, alpha = _as_planned(masks, planned or len(masks))
        solution = _solve(masks, answers.astype(np.float64), closeness, alpha)
        errors = _standard_errors(solution, group)
        r2 = _r2(masks, answers, closeness, solution.weights, solution.intercepts)
    return Fit(solution.weights, errors, solution.intercepts, r2)


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
        many, many_group = draw_masks(seed, MANY, masks.shape[1], "balanced")
        known = _solve(many, control(many), *_as_planned(many, planned))
        closeness, alpha = _as_planned(masks, planned)
        rest = _solve(masks, answers - control(masks), closeness, alpha)
        weights, intercepts = known.weights + rest.weights, known.intercepts + rest.intercepts
        # The logistic model also fits what is of even order in the regions. That cancels out of a
        # pair; where rows are single, it costs as many degrees of freedom again.
        models = 2 if group[-1] + 1 == len(group) else 1
        errors = np.hypot(
            _standard_errors(known, many_group), _standard_errors(rest, group, models)
        )
        return Fit(weights, errors, intercepts, _r2(masks, answers, closeness, weights, intercepts))


def _as_planned(masks: np.ndarray, planned: int) -> tuple[np.ndarray, float]:
    """Closeness f64[N], and the penalty, as of the N masks' share of the planned ones."""
    closeness, share = kernel(masks), len(masks) / planned
    closeness[0] *= share
    return closeness, ALPHA * share


def _logistic(masks: np.ndarray, answers: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fits the logarithms linearly: returns bool[M,R] -> f64[M,K], the softmax of that fit."""
    model = _solve(masks, np.log(np.maximum(answers, TINY)), np.ones(len(masks)), ALPHA)
    return lambda rows: special.softmax(rows @ model.weights + model.intercepts, axis=1)


class _Solution(NamedTuple):
    """A weighted ridge regression, and what its standard errors are computed from.

    Attributes:
      weights: f64[R,K].
      intercepts: f64[K].
      centred: f64[N,R], masks less their weighted means.
      pulls: f64[N,K], residuals times their rows' closeness.
      inverse: f64[R,R], of the normal equations' matrix.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    centred: np.ndarray
    pulls: np.ndarray
    inverse: np.ndarray


def _solve(
    masks: np.ndarray, answers: np.ndarray, closeness: np.ndarray, alpha: float
) -> _Solution:
    x, y = masks.astype(np.float64), answers
    x_mean, y_mean = (np.average(v, axis=0, weights=closeness) for v in (x, y))
    x, y = x - x_mean, y - y_mean
    weighted = x * closeness[:, None]
    inverse = np.linalg.inv(x.T @ weighted + alpha * np.eye(x.shape[1]))
    weights = inverse @ (weighted.T @ y)
    pulls = closeness[:, None] * (y - x @ weights)
    return _Solution(weights, y_mean - x_mean @ weights, x, pulls, inverse)


def _r2(
    masks: np.ndarray,
    answers: np.ndarray,
    closeness: np.ndarray,
    weights: np.ndarray,
    intercepts: np.ndarray,
) -> np.ndarray:
    unexplained = closeness @ (answers - intercepts - masks @ weights) ** 2
    total = closeness @ (answers - np.average(answers, axis=0, weights=closeness)) ** 2
    # Below this it is rounding, not variation: the network sees no difference between the masks.
    varies = total > 1e-12 * len(answers)
    return np.where(varies, 1 - unexplained / np.where(varies, total, 1), 0.0)


def _standard_errors(solution: _Solution, group: np.ndarray, models: int = 1) -> np.ndarray:
    """Square roots of the diagonal of A^-1 V A^-1, V the variance of sum_n x_n p_n over draws.

    x_n is a row's centred mask and p_n its pull. The whole image's, x_0 p_0, is the same in every
    draw and is left out. The rest is of two parts, which are not correlated:
    * what of the pulls is linear in the regions: what balances the whole image and the penalty. Its
      sum varies only as two regions are shown together more or less often than apart, and how much
      they are the masks themselves tell; over a whole block of balanced masks, not at all;
    * what is left: V is the sum of squares over groups.

    Args:
      solution: of the N rows.
      group: i32[N], as of `fit`.
      models: how many of R + 1 parameters the residuals were left by.

    Returns:
      f64[R,K]; NaN where there are no more groups than parameters.
    """
    x, inverse = solution.centred[1:], solution.inverse
    (n, r), num_groups = x.shape, int(group[-1]) + 1
    freedom = num_groups - models * (r + 1)
    if freedom <= 0:
        return np.full((r, solution.pulls.shape[1]), np.nan)
    together = sparse.csr_array((np.ones(n), (group[1:] - 1, np.arange(n))))
    products = x.T @ x
    np.fill_diagonal(products, 0)
    spread = (products**2).sum() / max(r * (r - 1), 1)  # variance of one of them
    errors = []
    for pulls in solution.pulls[1:].T:
        linear = 4 / n * (x.T @ pulls)  # a region's variance is 1/4 in every sampling
        of_linear = spread * (
            inverse**2 @ (linear @ linear - 2 * linear**2) + (inverse @ linear) ** 2
        )
        scores = together @ (x * (pulls - x @ linear)[:, None])
        of_rest = num_groups / freedom * ((scores @ inverse) ** 2).sum(axis=0)
        errors.append(np.sqrt(np.maximum(of_linear, 0) + of_rest))
    return np.stack(errors, axis=1)
