"""Frechet distance between two sets of features, each taken for a Gaussian (Heusel et al. 2017)."""

from __future__ import annotations

import numpy as np

from synthmed_jax.errors import UserError


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean f64[D] and the unbiased covariance f64[D,D] of features f[N,D].

    Raises:
      UserError: not more images than features: the covariance would be singular, and the distance
        would depend on the number of images.
    """
    check_count(*features.shape)
    features = features.astype(np.float64)
    return features.mean(axis=0), np.cov(features, rowvar=False)


def check_count(count: int, width: int) -> None:
    """Raises UserError unless `count` images are enough for `width` features."""
    if count <= width:
        raise UserError(
            f"a Frechet distance in {width} features needs more than {width} images per set, got "
            f"{count}: take more images, or a larger fit and val"
        )


def distance(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Returns |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) of two (mean, covariance).

    The trace of the square root is taken from the eigenvalues of S_a^(1/2) S_b S_a^(1/2), which is
    symmetric and has the same eigenvalues as S_a S_b.

    Args:
      a, b: (mean f64[D], covariance f64[D,D]), as `moments` returns them.
    """
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    inner = np.linalg.eigvalsh(root @ covariance_b @ root)
    trace = np.trace(covariance_a) + np.trace(covariance_b)
    trace -= 2 * np.sqrt(np.maximum(inner, 0)).sum()
    return float(np.square(mean_a - mean_b).sum() + max(trace, 0.0))
