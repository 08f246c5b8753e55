"""Explains real test images and synthetic ones with one network: pictures, numbers, comparison."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from synthmed_jax import checks
from synthmed_jax.data import held_out
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain import choice
from synthmed_jax.explain.explained import KINDS, Explained, agreement_with_nearest, records
from synthmed_jax.explain.lime import LimeSettings, explain
from synthmed_jax.explain.pages import draw_pages
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.explain.second_opinions import GradCam
from synthmed_jax.explain.study import compare, shortcut_alarms, study, study_evaluations, summarise
from synthmed_jax.files import write_json
from synthmed_jax.progress import progress_bar


@dataclasses.dataclass(frozen=True)
class ExplainSettings:
    """What is explained, and how.

    Attributes:
      lime: how one image is.
      images: of each class, real and synthetic each, drawn at random for the numbers.
      repeats: explanations of each under seeds of their own, which say how stable they are.
      check: whether the package lime explains the pictured images too, to be held against.
      batch_size: images a call of the network.
    """

    lime: LimeSettings
    images: int
    repeats: int
    check: bool
    batch_size: int

    def __post_init__(self) -> None:
        for name in ("images", "repeats", "batch_size"):
            checks.at_least(f"config.explain.{name}", getattr(self, name), 1)


class Sources(NamedTuple):
    """What is explained, all at the size that the network sees.

    Attributes:
      images: the whole real data set, of which split.json names the test part.
      synthetic: the synthetic set.
      nearest: synthetic images -> the nearest real `fit` image of each, in their order.
      resize: to the size that the network sees.
      lesion: file of a real image -> bool[S,S] where its lesion is known; None: of none.
    """

    images: ImageSet
    synthetic: ImageSet
    nearest: Callable[[ImageSet], ImageSet]
    resize: Callable[[ImageSet], ImageSet]
    lesion: Callable[[str], np.ndarray] | None


def num_evaluations(settings: ExplainSettings, num_classes: int) -> int:
    """About how many perturbed images the network is asked for; `check` is not counted."""
    images = num_classes * (settings.images + len(choice.ROLES))
    real = study_evaluations(settings.lime, settings.repeats)
    # A synthetic image's nearest real one is explained too.
    return images * (2 * real + settings.lime.num_samples)


def explain_sets(
    settings: ExplainSettings,
    split_path: pathlib.Path,
    sources: Sources,
    predictor: Predictor,
    model: dict[str, Any],
    directory: pathlib.Path,
) -> None:
    """Writes lime.json and the pages of pictures; the paper explains both kinds (4.7, 5.5).

    Args:
      split_path: split.json.
      model: which network this is, for lime.json.
      directory: receives the files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    grad_cam = GradCam(predictor)
    real = held_out.read_test(split_path, sources.images)
    explained = {
        "real": _explain(settings, "real", real, sources, predictor, grad_cam),
        "synthetic": _explain(
            settings, "synthetic", sources.synthetic, sources, predictor, grad_cam
        ),
    }
    classes = {kind: found.by_class() for kind, found in explained.items()}
    summaries = {
        kind: {name: summarise(studies) for name, studies in found.items()}
        | {"all classes": summarise([s for studies in found.values() for s in studies])}
        for kind, found in classes.items()
    }
    write_json(
        directory / "lime.json",
        {
            "model": model,
            **settings.lime.facts(),
            "images_a_class": settings.images,
            "repeats": settings.repeats,
            "summary": summaries,
            "comparison": compare(classes["real"], classes["synthetic"], settings.lime.seed),
            "nearest": agreement_with_nearest(explained["synthetic"]),
            "alarms": {kind: shortcut_alarms(summaries[kind]) for kind in KINDS},
            "check": _check(settings, explained, predictor) if settings.check else None,
            "pages": draw_pages(explained, directory),
            "images": [
                record for kind, found in explained.items() for record in records(kind, found)
            ],
        },
    )


def _explain(
    settings: ExplainSettings,
    kind: str,
    whole: ImageSet,
    sources: Sources,
    predictor: Predictor,
    grad_cam: GradCam,
) -> Explained:
    seen = sources.resize(whole)
    roles = choice.telling(predictor.probabilities(seen.images), seen.labels)
    drawn = choice.sample(seen.labels, settings.images, settings.lime.seed).tolist()
    chosen = sorted({*roles, *drawn})
    images = seen.subset(np.array(chosen))
    lesion = sources.lesion if kind == "real" else None
    studies = [
        study(
            predictor,
            grad_cam,
            images.images[i],
            settings.lime,
            settings.repeats,
            lesion(images.files[i]) if lesion else None,
        )
        for i in progress_bar(range(len(images)), description=f"explain {kind}", unit="image")
    ]
    nearest, found = None, []
    if kind == "synthetic":
        nearest = sources.resize(sources.nearest(whole.subset(np.array(chosen))))
        # Both sides explain what the network says of the synthetic one.
        labels = np.array([each.explanation.label for each in studies])
        found = explain(predictor, nearest.images, settings.lime, labels)
    return Explained(
        images,
        [roles.get(i, []) for i in chosen],
        [i in set(drawn) for i in chosen],
        studies,
        nearest,
        found,
    )


def _check(
    settings: ExplainSettings, explained: Mapping[str, Explained], predictor: Predictor
) -> dict[str, Any]:
    """Explains the pictured images by both engines, under the package's own masks."""
    ours, theirs = (
        dataclasses.replace(settings.lime, engine=engine, sampling="bernoulli", control="none")
        for engine in ("jax", "lime")
    )
    differences, largest = [], []
    for found in explained.values():
        pictured = np.array([i for i, roles in enumerate(found.roles) if roles])
        images = found.images.images[pictured]
        for a, b in zip(
            explain(predictor, images, ours), explain(predictor, images, theirs), strict=True
        ):
            differences.append(float(np.abs(a.weights - b.weights).max()))
            largest.append(float(np.abs(b.weights).max()))
    return {
        "num_images": len(differences),
        "largest_difference": max(differences),
        "largest_weight": max(largest),
    }
