"""LIME (Ribeiro et al., 2016): which regions of an image speak for a class, by hiding them.

The perturbed images are rows of a matrix of masks; they are made where the network runs, and the
linear model is solved in closed form for all classes at once. They are asked about in rounds, until
the weights are as sure as is wanted. One seed decides everything that is random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from synthmed_jax import checks
from synthmed_jax.explain import lime_package, ridge
from synthmed_jax.explain.masks import SAMPLINGS, draw_masks, round_ends
from synthmed_jax.explain.precision import expected_samples, relative_error
from synthmed_jax.explain.predictor import Predictor, View, make_view
from synthmed_jax.explain.segmentation import SEGMENTATIONS, segment


@dataclasses.dataclass(frozen=True)
class LimeSettings:
    """How one image is explained.

    Attributes:
      engine: one of ENGINES.
      num_samples: perturbed images at most, the unperturbed one among them.
      precision: an explanation stops after the first round that leaves it with no larger a relative
        error (`precision.relative_error`); 0: it takes `num_samples` whatever its error, and so
        does the package, which knows no errors.
      sampling: how they are drawn, one of SAMPLINGS; the package has "bernoulli".
      control: how noise is taken out of the weights, one of CONTROLS; the package has "none".
      segmentation: one of SEGMENTATIONS.
      regions: about how many regions an image is cut into.
      seed: of the masks.
    """

    engine: str
    num_samples: int
    precision: float
    sampling: str
    control: str
    segmentation: str
    regions: int
    seed: int

    def __post_init__(self) -> None:
        checks.one_of("config.explain.engine", self.engine, ENGINES)
        checks.at_least("config.explain.num_samples", self.num_samples, 2)
        checks.between("config.explain.precision", self.precision, 0, 1)
        checks.one_of("config.explain.sampling", self.sampling, SAMPLINGS)
        checks.one_of("config.explain.control", self.control, CONTROLS)
        checks.one_of("config.explain.segmentation", self.segmentation, SEGMENTATIONS)
        checks.at_least("config.explain.regions", self.regions, 2)
        checks.between("config.explain.seed", self.seed, 0, 2**32)

    def as_done(self) -> LimeSettings:
        """What the engine really does, for a report: the package has none of our choices."""
        if self.engine != "lime":
            return self
        return dataclasses.replace(self, precision=0.0, sampling="bernoulli", control="none")

    @property
    def expected_samples(self) -> float:
        """About how many perturbed images an explanation of `regions` regions takes."""
        ends = round_ends(self.num_samples, self.regions)
        return expected_samples(self.as_done().precision, ends)


@dataclasses.dataclass(frozen=True)
class Explanation:
    """LIME's answer for one image.

    Attributes:
      view: the image and its R regions.
      label: the class explained.
      probabilities: f32[K] of the unperturbed image.
      weights: f64[R,K], by how much a class's probability rises when a region is shown.
      standard_errors: f64[R,K], of the weights, from the draw of the masks, all NaN where there
        are too few evaluations for R regions to tell; None: the package lime does not estimate
        them.
      r2: f64[K], weighted R2 of each class's linear model, at most 1; near 0 it explains nothing.
      num_samples: perturbed images that it took, the unperturbed one among them.
    """

    view: View
    label: int
    probabilities: np.ndarray
    weights: np.ndarray
    standard_errors: np.ndarray | None
    r2: np.ndarray
    num_samples: int

    @property
    def label_weights(self) -> np.ndarray:
        """f64[R], the weights for the explained class."""
        return self.weights[:, self.label]

    @property
    def label_errors(self) -> np.ndarray | None:
        """f64[R], the standard errors of `label_weights`; NaN or None as of `standard_errors`."""
        return None if self.standard_errors is None else self.standard_errors[:, self.label]

    @property
    def relative_error(self) -> float | None:
        """See `precision.relative_error`, of the explained class; NaN or None as of the errors."""
        errors = self.label_errors
        return None if errors is None else relative_error(self.label_weights, errors)

    @property
    def is_unsure(self) -> bool:
        """Whether there were too few evaluations to tell how sure the weights are."""
        return self.standard_errors is not None and bool(np.isnan(self.standard_errors).any())


def explain(
    predictor: Predictor,
    images: np.ndarray,
    settings: LimeSettings,
    labels: np.ndarray | None = None,
) -> list[Explanation]:
    """Explains each image; the result for an image depends on no other image.

    Args:
      predictor: the network.
      images: u8[N,S,S,C] in 0..255 or f32[N,S,S,C] of any range; C is 1 or 3.
      labels: i32[N], classes to explain; None: the predicted ones.

    Raises ValueError for images of another shape or type.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"images must be [N,S,S,1] or [N,S,S,3], got {images.shape}")
    if images.dtype not in (np.uint8, np.float32):
        raise ValueError(f"images must be uint8 or float32, got {images.dtype}")
    views = [make_view(i, segment(i, settings.segmentation, settings.regions)) for i in images]
    whole = predictor.probabilities(images)
    chosen = whole.argmax(axis=-1) if labels is None else labels
    return [
        explain_repeatedly(predictor, view, settings, 1, answer, int(label))[0]
        for view, answer, label in zip(views, whole, chosen, strict=True)
    ]


def explain_repeatedly(
    predictor: Predictor,
    view: View,
    settings: LimeSettings,
    repeats: int,
    whole: np.ndarray,
    label: int,
) -> list[Explanation]:
    """Explains an image under several seeds, each of which finds what it finds alone.

    The network is asked about the masks of all seeds together, which leaves less of its last batch
    empty.

    Args:
      predictor: the network.
      view: the image and its regions.
      settings: its seed is the first one's; the others follow it.
      repeats: how many seeds.
      whole: f32[K], the network's answer to the image itself.
      label: class to explain.
    """
    seeds = [settings.seed + i for i in range(repeats)]
    return ENGINES[settings.engine](predictor, view, settings, seeds, whole, label)


def _explain(
    predictor: Predictor,
    view: View,
    settings: LimeSettings,
    seeds: Sequence[int],
    whole: np.ndarray,
    label: int,
) -> list[Explanation]:
    num_samples, num_regions = settings.num_samples, view.num_regions
    draws = {s: draw_masks(s, num_samples, num_regions, settings.sampling) for s in seeds}
    answers = dict.fromkeys(seeds, whole[None])  # The first mask shows everything.
    found: dict[int, Explanation] = {}
    for end in [num_samples] if settings.precision == 0 else round_ends(num_samples, num_regions):
        going = [seed for seed in seeds if seed not in found]
        if not going:
            break
        start = len(answers[going[0]])
        asked = predictor.masked(view, np.concatenate([draws[s][0][start:end] for s in going]))
        for seed, new in zip(going, np.split(asked, len(going)), strict=True):
            answers[seed] = np.concatenate([answers[seed], new])
            masks, group = (rows[:end] for rows in draws[seed])
            fit = CONTROLS[settings.control](masks, answers[seed], group, seed, num_samples)
            explanation = Explanation(
                view, label, whole, fit.weights, fit.standard_errors, fit.r2, end
            )
            error = explanation.relative_error
            if end == num_samples or (error is not None and error <= settings.precision):
                found[seed] = explanation
    return [found[seed] for seed in seeds]


def _explain_by_package(
    predictor: Predictor,
    view: View,
    settings: LimeSettings,
    seeds: Sequence[int],
    whole: np.ndarray,
    label: int,
) -> list[Explanation]:
    num_samples = settings.num_samples
    ask = predictor.probabilities
    fits = [lime_package.fit(ask, view, num_samples, seed) for seed in seeds]
    return [Explanation(view, label, whole, f.weights, None, f.r2, num_samples) for f in fits]


# none: the regression as it is; logistic: see `ridge.fit_controlled`.
CONTROLS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], ridge.Fit]] = {
    "none": lambda masks, answers, group, seed, planned: ridge.fit(masks, answers, group, planned),
    "logistic": ridge.fit_controlled,
}
# jax: this project's; lime: the package of that name, over the same network.
Engine = Callable[
    [Predictor, View, LimeSettings, Sequence[int], np.ndarray, int], list[Explanation]
]
ENGINES: dict[str, Engine] = {
    "jax": _explain,
    "lime": _explain_by_package,
}
