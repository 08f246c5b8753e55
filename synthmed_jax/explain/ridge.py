"""The weighted ridge regression of LIME in closed form, for all classes at once."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import threadpoolctl

KERNEL_WIDTH = 0.25  # of lime 0.2
ALPHA = 1.0  # of its ridge


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
    # BLAS's threads gain nothing on matrices this small, and go on spinning for some 50 ms on the
    # cores that the network is to use next.
    with _blas().limit(limits=1):
        return _fit(masks, answers, group)


def _fit(masks: np.ndarray, answers: np.ndarray, group: np.ndarray) -> Fit:
    closeness = kernel(masks)
    x, y = masks.astype(np.float64), answers.astype(np.float64)
    x_mean, y_mean = (np.average(v, axis=0, weights=closeness) for v in (x, y))
    x, y = x - x_mean, y - y_mean
    weighted = x * closeness[:, None]
    inverse = np.linalg.inv(x.T @ weighted + ALPHA * np.eye(x.shape[1]))
    weights = inverse @ (weighted.T @ y)
    residual = y - x @ weights
    unexplained = closeness @ residual**2
    total = closeness @ y**2
    # Rounding, not variation: the answers of a network that sees no difference.
    varies = total > 1e-12 * len(y)
    r2 = np.where(varies, 1 - unexplained / np.where(varies, total, 1), 0.0)
    return Fit(
        weights,
        _standard_errors(inverse, weighted, residual, group),
        y_mean - x_mean @ weights,
        r2,
    )


def _standard_errors(
    inverse: np.ndarray, weighted: np.ndarray, residual: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Square roots of the diagonal of A^-1 (sum_g s_g s_g') A^-1; s_g a group's summed scores."""
    num_groups, (n, r) = int(group.max()) + 1, weighted.shape
    # Residuals are smaller than errors by what the fit took up.
    correction = n / max(n - r - 1, 1)
    errors = []
    for column in residual.T:
        scores = np.zeros((num_groups, r))
        np.add.at(scores, group, weighted * column[:, None])
        errors.append(np.sqrt(correction * ((scores @ inverse) ** 2).sum(axis=0)))
    return np.stack(errors, axis=1)
