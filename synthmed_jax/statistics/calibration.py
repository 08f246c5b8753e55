"""Whether probabilities are right: proper scores, calibration error, temperature, priors.

Probabilities are f[N,K], rows sum to 1; labels are i[N], the true classes.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import optimize, special, stats

BINS = 15  # as is customary since Guo et al. (2017)
_LEAST = 1e-12  # probabilities below are taken for this, in logarithms
_TEMPERATURES = (0.02, 50.0)


@dataclasses.dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error of the largest probability: shares of 1.

    Attributes:
      plain: mean distance between confidence and accuracy over bins of equally many images.
      if_calibrated: what it would be, on average, for these confidences if they were right: even
        then accuracies of few images differ from them.
      debiased: less the bias that this sampling gives it, at least 0.
    """

    plain: float
    if_calibrated: float
    debiased: float


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood, nats."""
    of_label = probabilities.astype(np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(of_label, _LEAST, 1)).mean())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over images of the squared distance to the truth, summed over classes: 0 to 2."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> CalibrationError:
    """Expected calibration error in bins of equally many images, with its bias.

    The debiased one follows Kumar, Liang & Ma (2019): a bin's accuracy is taken for normal around
    what was measured; twice the plain value less its mean over that, here in closed form (the mean
    of a folded normal) and not by draws.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    order = np.argsort(confidence, kind="stable")
    plain = if_calibrated = resampled = 0.0
    for chosen in np.array_split(order, min(bins, len(order))):
        n, share = len(chosen), len(chosen) / len(order)
        p, accuracy = confidence[chosen], float(right[chosen].mean())
        gap = abs(float(p.mean()) - accuracy)
        plain += share * gap
        expected_spread = math.sqrt(float((p * (1 - p)).sum())) / n
        if_calibrated += share * folded_normal_mean(0.0, expected_spread)
        resampled += share * folded_normal_mean(gap, math.sqrt(accuracy * (1 - accuracy) / n))
    return CalibrationError(plain, if_calibrated, max(0.0, 2 * plain - resampled))


def folded_normal_mean(mean: float, std: float) -> float:
    """Mean of |x| for x normal; std 0 gives |mean|."""
    if std == 0:
        return abs(mean)
    z = mean / std
    return std * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + mean * (
        1 - 2 * float(stats.norm.cdf(-z))
    )


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which the probabilities have the lowest log loss (Guo et al., 2017).

    Of images that nothing is then claimed about: `val`. Above 1: the network is too sure. The
    answer lies in 0.02 to 50; the loss is convex in its inverse, so it is the lowest there.
    """
    logits = np.log(np.clip(probabilities.astype(np.float64), _LEAST, 1))
    rows = np.arange(len(labels))

    def loss(log_inverse: float) -> float:
        scaled = logits * math.exp(log_inverse)
        return float((special.logsumexp(scaled, axis=1) - scaled[rows, labels]).mean())

    bounds = tuple(-math.log(each) for each in reversed(_TEMPERATURES))
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(-found.x)


def determines_temperature(probabilities: np.ndarray, labels: np.ndarray) -> bool:
    """Whether images set a limit to how sure, and to how unsure, answers may be.

    Where all are right, the log loss falls with ever surer answers. Where the labels' logits are
    not above the others' on average, it falls with ever less sure ones: then the answers say
    nothing of the images. `fit_temperature` returns a temperature near an end of its range for
    these.
    """
    logits = np.log(np.clip(probabilities.astype(np.float64), _LEAST, 1))
    of_labels = logits[np.arange(len(labels)), labels]
    some_wrong = bool((probabilities.argmax(axis=1) != labels).any())
    # The slope of the loss where all answers are equal.
    return some_wrong and bool((of_labels - logits.mean(axis=1)).mean() > 0)


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities f64[N,K] whose logits are divided by a temperature above 0."""
    logits = np.log(np.clip(probabilities.astype(np.float64), _LEAST, 1))
    return special.softmax(logits / temperature, axis=1)


def with_prior(probabilities: np.ndarray, trained: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Probabilities f64[N,K] as of a network that had learned from other shares of the classes.

    p'(k|x) is p(k|x) wanted(k) / trained(k), normalised (Saerens et al., 2002).

    Args:
      trained: f[K], shares of the classes in the training set, all above 0.
      wanted: f[K], shares of the classes that are expected: of the real `fit` images, never of the
        test images.

    Raises:
      ValueError: the training set holds none of a class.
    """
    if not (trained > 0).all():
        raise ValueError(f"the training set holds none of a class: shares {trained}")
    weighted = probabilities.astype(np.float64) * (wanted / trained)
    return weighted / weighted.sum(axis=1, keepdims=True)
