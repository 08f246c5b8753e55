"""LIME (Ribeiro et al., 2016): which regions of an image speak for a class, by hiding them.

All perturbed images are one matrix of masks; they are made where the network runs, and the linear
model is solved in closed form for all classes at once. One seed decides everything that is random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from synthmed_jax import checks
from synthmed_jax.explain import lime_package, ridge
from synthmed_jax.explain.masks import SAMPLINGS, draw_masks
from synthmed_jax.explain.predictor import Predictor, View, make_view
from synthmed_jax.explain.segmentation import SEGMENTATIONS, segment


@dataclasses.dataclass(frozen=True)
class LimeSettings:
    """How one image is explained.

    Attributes:
      engine: one of ENGINES.
      num_samples: perturbed images, the unperturbed one among them.
      sampling: how they are drawn, one of SAMPLINGS; the package has "bernoulli".
      control: how noise is taken out of the weights, one of CONTROLS; the package has "none".
      segmentation: one of SEGMENTATIONS.
      regions: about how many regions an image is cut into.
      seed: of the masks.
    """

    engine: str
    num_samples: int
    sampling: str
    control: str
    segmentation: str
    regions: int
    seed: int

    def __post_init__(self) -> None:
        checks.one_of("config.explain.engine", self.engine, ENGINES)
        checks.at_least("config.explain.num_samples", self.num_samples, 2)
        checks.one_of("config.explain.sampling", self.sampling, SAMPLINGS)
        checks.one_of("config.explain.control", self.control, CONTROLS)
        checks.one_of("config.explain.segmentation", self.segmentation, SEGMENTATIONS)
        checks.at_least("config.explain.regions", self.regions, 2)
        checks.between("config.explain.seed", self.seed, 0, 2**32)

    def as_done(self) -> LimeSettings:
        """What the engine really does, for a report: the package has one sampling, no control."""
        if self.engine != "lime":
            return self
        return dataclasses.replace(self, sampling="bernoulli", control="none")


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
    """

    view: View
    label: int
    probabilities: np.ndarray
    weights: np.ndarray
    standard_errors: np.ndarray | None
    r2: np.ndarray

    @property
    def label_weights(self) -> np.ndarray:
        """f64[R], the weights for the explained class."""
        return self.weights[:, self.label]

    @property
    def label_errors(self) -> np.ndarray | None:
        """f64[R], the standard errors of `label_weights`; NaN or None as of `standard_errors`."""
        return None if self.standard_errors is None else self.standard_errors[:, self.label]

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
    explanations = []
    for i, image in enumerate(images):
        view = make_view(image, segment(image, settings.segmentation, settings.regions))
        model, whole = ENGINES[settings.engine](predictor, view, settings)
        errors = model.standard_errors if settings.engine == "jax" else None
        label = int(whole.argmax() if labels is None else labels[i])
        explanations.append(Explanation(view, label, whole, model.weights, errors, model.r2))
    return explanations


def _explain(
    predictor: Predictor, view: View, settings: LimeSettings
) -> tuple[ridge.Fit, np.ndarray]:
    masks, group = draw_masks(
        settings.seed, settings.num_samples, view.num_regions, settings.sampling
    )
    answers = predictor.masked(view, masks)
    # The first mask shows everything: its answer is the image's own.
    return CONTROLS[settings.control](masks, answers, group, settings.seed), answers[0]


def _explain_by_package(
    predictor: Predictor, view: View, settings: LimeSettings
) -> tuple[ridge.Fit, np.ndarray]:
    return lime_package.fit(predictor.probabilities, view, settings.num_samples, settings.seed)


# none: the regression as it is; logistic: see `ridge.fit_controlled`.
CONTROLS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, int], ridge.Fit]] = {
    "none": lambda masks, answers, group, seed: ridge.fit(masks, answers, group),
    "logistic": ridge.fit_controlled,
}
# jax: this project's; lime: the package of that name, over the same network.
Engine = Callable[[Predictor, View, LimeSettings], tuple[ridge.Fit, np.ndarray]]
ENGINES: dict[str, Engine] = {
    "jax": _explain,
    "lime": _explain_by_package,
}
