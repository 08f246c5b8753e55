"""What a cell's networks score beside the columns of the paper's table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthmed_jax.evaluation.scores import score
from synthmed_jax.results.evaluation import Ensemble, Quality, Tempered
from synthmed_jax.statistics import calibration, classification
from synthmed_jax.statistics.calibration import CalibrationError


def measure_quality(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    on_val: np.ndarray | None,
    val_labels: np.ndarray,
    trained_shares: np.ndarray,
    expected_shares: np.ndarray,
) -> Quality:
    """Scores the networks of a cell, each alone and all together.

    Args:
      probabilities: f[networks,N,K] of the test images.
      labels: i[N].
      class_names: the K classes.
      on_val: f[networks,M,K] of the real `val` images; None where there are none.
      val_labels: i[M].
      trained_shares: f[K], of the classes in what the networks learned from.
      expected_shares: f[K], of the classes in `fit`.
    """
    tempered, corrected = None, None
    if on_val is not None:
        tempered = _tempered(probabilities, labels, on_val, val_labels)
    if (trained_shares > 0).all():
        moved = calibration.with_prior(
            probabilities.reshape(-1, len(class_names)), trained_shares, expected_shares
        )
        answers = moved.argmax(axis=1).reshape(probabilities.shape[:2])
        corrected = float((answers == labels).mean())
    return Quality(
        recalls=_recalls(probabilities, labels, class_names),
        auroc=_auroc(probabilities, labels),
        brier=float(np.mean([calibration.brier_score(each, labels) for each in probabilities])),
        calibration=_mean([calibration.calibration_error(each, labels) for each in probabilities]),
        tempered=tempered,
        prior_corrected_accuracy=corrected,
        ensemble=_ensemble(probabilities, labels) if len(probabilities) > 1 else None,
    )


def _auroc(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    areas = [classification.macro_auroc(each, labels) for each in probabilities]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if known else None


def _recalls(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> dict[str, float | None]:
    of_networks = [
        classification.recalls(each.argmax(axis=1), labels, len(class_names))
        for each in probabilities
    ]
    return {
        name: None if values[0] is None else float(np.mean(values))
        for name, values in zip(class_names, zip(*of_networks, strict=True), strict=True)
    }


def _tempered(
    probabilities: np.ndarray, labels: np.ndarray, on_val: np.ndarray, val_labels: np.ndarray
) -> Tempered:
    """Each network at a temperature of its own."""
    temperatures = [calibration.fit_temperature(each, val_labels) for each in on_val]
    at_them = [
        calibration.at_temperature(each, temperature)
        for each, temperature in zip(probabilities, temperatures, strict=True)
    ]
    return Tempered(
        float(np.exp(np.mean(np.log(temperatures)))),
        float(np.mean([calibration.log_loss(each, labels) for each in at_them])),
        _mean([calibration.calibration_error(each, labels) for each in at_them]),
    )


def _mean(errors: Sequence[CalibrationError]) -> CalibrationError:
    return CalibrationError(
        plain=float(np.mean([each.plain for each in errors])),
        if_calibrated=float(np.mean([each.if_calibrated for each in errors])),
        debiased=float(np.mean([each.debiased for each in errors])),
    )


def _ensemble(probabilities: np.ndarray, labels: np.ndarray) -> Ensemble:
    together = classification.mean_of_networks(probabilities)
    scores = score(together, labels)
    return Ensemble(
        scores.loss,
        scores.accuracy,
        scores.balanced_accuracy,
        scores.f1,
        calibration.brier_score(together, labels),
    )
