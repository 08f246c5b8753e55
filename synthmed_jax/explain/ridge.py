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
      standard_errors: f64[R,K], of the weights, from the draw of the masks.
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


def fit(masks: np.ndarray, answers: np.ndarray, group: np.ndarray) -> Fit:
    """Minimises sum_n k_n (a_n - c - m_n w)^2 + ALPHA |w|^2 for each class.

    The standard errors are those of the sandwich estimator (White, 1980), with the rows of a group
    as one observation (Liang & Zeger, 1986): no assumption on how the model fails.

    Args:
      masks: bool[N,R].
      answers: f[N,K], probabilities.
      group: i32[N], rows that were drawn together (see `draw_masks`).
    """
    # BLAS's threads gain nothing on matrices this small, and afterwards they spin for some 50 ms on
    # the cores that the network needs next.
    with _blas().limit(limits=1):
        solution = _solve(masks, answers.astype(np.float64), kernel(masks), ALPHA)
        errors = _standard_errors(solution, group)
        r2 = _r2(masks, answers, solution.weights, solution.intercepts)
    return Fit(solution.weights, errors, solution.intercepts, r2)


def fit_controlled(masks: np.ndarray, answers: np.ndarray, group: np.ndarray, seed: int) -> Fit:
    """Estimates what `fit` does with less noise from as many evaluations, by a control variate.

    A logistic model of the answers costs nothing to evaluate, so the linear model of its answers is
    known almost exactly from MANY masks. The network's evaluations are then needed only for the
    difference between its answers and the logistic model's.

    Args:
      masks, answers, group: as of `fit`; answers above 0.
      seed: of the logistic model's masks.
    """
    with _blas().limit(limits=1):
        answers = answers.astype(np.float64)
        control = _logistic(masks, answers)
        many, many_group = draw_masks(seed, MANY, masks.shape[1], "balanced")
        known = _solve(many, control(many), kernel(many), ALPHA * MANY / len(masks))
        rest = _solve(masks, answers - control(masks), kernel(masks), ALPHA)
        weights, intercepts = known.weights + rest.weights, known.intercepts + rest.intercepts
        # The logistic model has taken as much out of the residuals as the linear one.
        errors = np.hypot(
            _standard_errors(known, many_group), _standard_errors(rest, group, models=2)
        )
        return Fit(weights, errors, intercepts, _r2(masks, answers, weights, intercepts))


def _logistic(masks: np.ndarray, answers: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fits the logarithms linearly: returns bool[M,R] -> f64[M,K], the softmax of that fit."""
    model = _solve(masks, np.log(np.maximum(answers, TINY)), np.ones(len(masks)), ALPHA)
    return lambda rows: special.softmax(rows @ model.weights + model.intercepts, axis=1)


class _Solution(NamedTuple):
    """A weighted ridge regression, and what its standard errors are computed from.

    Attributes:
      weights: f64[R,K].
      intercepts: f64[K].
      residual: f64[N,K].
      weighted: f64[N,R], centred masks times their closeness.
      inverse: f64[R,R], of the normal equations' matrix.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    residual: np.ndarray
    weighted: np.ndarray
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
    return _Solution(weights, y_mean - x_mean @ weights, y - x @ weights, weighted, inverse)


def _r2(
    masks: np.ndarray, answers: np.ndarray, weights: np.ndarray, intercepts: np.ndarray
) -> np.ndarray:
    closeness = kernel(masks)
    unexplained = closeness @ (answers - intercepts - masks @ weights) ** 2
    total = closeness @ (answers - np.average(answers, axis=0, weights=closeness)) ** 2
    # Below this it is rounding, not variation: the network sees no difference between the masks.
    varies = total > 1e-12 * len(answers)
    return np.where(varies, 1 - unexplained / np.where(varies, total, 1), 0.0)


def _standard_errors(solution: _Solution, group: np.ndarray, models: int = 1) -> np.ndarray:
    """Square roots of the diagonal of A^-1 (sum_g s_g s_g') A^-1; s_g a group's summed scores."""
    n, r = solution.weighted.shape
    together = sparse.csr_array((np.ones(n), (group, np.arange(n))))
    # Each fitted model has taken r + 1 degrees of freedom out of the residuals.
    correction = n / max(n - models * (r + 1), 1)
    errors = []
    for column in solution.residual.T:
        scores = together @ (solution.weighted * column[:, None])
        errors.append(np.sqrt(correction * ((scores @ solution.inverse) ** 2).sum(axis=0)))
    return np.stack(errors, axis=1)
