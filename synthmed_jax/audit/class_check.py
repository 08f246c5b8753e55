"""Which images a classifier of real images takes for another class than they are labelled with.

Forests learn the classes from `fit` images alone, each from all folds but one, and are asked about
the fold that is left out. What they say there of an image's own class tells how sure they are of
honest labels: an image is off class where they give its label less than all but a stated share of
the class's own `fit` images get. Of any other image the mean over all forests is taken.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedGroupKFold

from synthmed_jax.data import decode
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.evaluation import floors
from synthmed_jax.results.filtered import OffClass

FOLDS = 5
SIDE = 32  # of the images that forests see, at most
SEEN = ("pixels", "low_frequencies", "histogram")  # of floors.FEATURES
_IMAGES = 1024  # that a forest is asked about at once


@dataclasses.dataclass(frozen=True, eq=False)
class ClassCheck:
    """Forests that have learned K classes, and how sure they are of honest labels.

    Attributes:
      forests: FOLDS of them.
      class_names: of the labels.
      least: f64[K], a class's images that get a lower probability are off class.
      found: f64[K], share of the `fit` images of other classes that would be off class with this
        one's label: how many wrong labels are seen.
    """

    forests: tuple[ExtraTreesClassifier, ...]
    class_names: tuple[str, ...]
    least: np.ndarray
    found: np.ndarray

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Returns f64[N,K], what images u8[N,S,S,C] show."""
        answers = np.zeros((len(images), len(self.class_names)))
        for start in range(0, len(images), _IMAGES):
            here = slice(start, start + _IMAGES)
            x = _numbers(images[here])
            answers[here] = np.mean(
                [_ask(each, x, len(self.class_names)) for each in self.forests], axis=0
            )
        return answers

    def by_class(self) -> dict[str, OffClass]:
        """Class -> what is stored of it."""
        return {
            name: OffClass(float(least), float(found))
            for name, least, found in zip(self.class_names, self.least, self.found, strict=True)
        }


def _ask(forest: ExtraTreesClassifier, x: np.ndarray, num_classes: int) -> np.ndarray:
    """Probabilities f64[N,K]; 0 of a class whose images are all in the fold that is left out."""
    answers = np.zeros((len(x), num_classes))
    answers[:, forest.classes_] = forest.predict_proba(x)
    return answers


def why_not(fit: ImageSet, groups: np.ndarray | None) -> str:
    """Why forests can't be asked about these images; "" where they can."""
    if len(fit.class_names) < 2:
        return "there is one class only"
    apart = np.arange(len(fit)) if groups is None else groups
    for label, name in enumerate(fit.class_names):
        count = len(np.unique(apart[fit.labels == label]))
        if count < FOLDS:
            noun = "images" if groups is None else "groups of images"
            return f"class {name!r} has {count} {noun} in fit, and {FOLDS} are needed"
    return ""


def learn(fit: ImageSet, groups: np.ndarray | None, share: float, seed: int) -> ClassCheck:
    """Trains the forests.

    Args:
      fit: images of two classes or more.
      groups: i64[N], images of one group stay in one fold; None: each is alone.
      share: of each class's `fit` images, that may be off class; below 1 over their number none is.
      seed: of folds and trees.
    """
    num_classes, x = len(fit.class_names), _numbers(fit.images)
    apart = np.arange(len(fit)) if groups is None else groups
    answers, forests = np.zeros((len(fit), num_classes)), []
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for learned, left_out in folds.split(x, fit.labels, apart):
        forest = ExtraTreesClassifier(floors.TREES, random_state=seed, n_jobs=-1)
        forest.fit(x[learned], fit.labels[learned])
        answers[left_out] = _ask(forest, x[left_out], num_classes)
        forests.append(forest)
    least, found = np.zeros(num_classes), np.zeros(num_classes)
    for label in range(num_classes):
        own, is_own = answers[:, label], fit.labels == label
        least[label] = np.sort(own[is_own])[int(share * is_own.sum())]
        found[label] = (own[~is_own] < least[label]).mean()
    return ClassCheck(tuple(forests), fit.class_names, least, found)


def _numbers(images: np.ndarray) -> np.ndarray:
    """What a forest sees of images: f32[N,D]."""
    small = decode.stretch_images(images, min(SIDE, images.shape[1]))
    return np.concatenate([floors.FEATURES[name](small) for name in SEEN], axis=1, dtype=np.float32)
