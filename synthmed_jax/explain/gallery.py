"""Explains real test images and synthetic ones with one network: pictures, numbers, comparison."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain import choice
from synthmed_jax.explain.blanking import probe_evaluations, probe_regions
from synthmed_jax.explain.explained import (
    KINDS,
    Explained,
    agreement_with_nearest,
    evaluations_of,
    records,
)
from synthmed_jax.explain.lime import explain
from synthmed_jax.explain.pages import draw_pages
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.explain.second_opinions import GradCam
from synthmed_jax.explain.settings import ExplainSettings
from synthmed_jax.explain.study import (
    Study,
    compare,
    shortcut_alarms,
    study,
    study_evaluations,
    summarise,
)
from synthmed_jax.progress import progress_over
from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.results.explanations import EngineAgreement, LimeSummary, Summary

ALL_CLASSES = "all classes"  # in the place of a class's name


class Sources(NamedTuple):
    """What is explained beside the test images, and what is known of both.

    Attributes:
      synthetic: the synthetic set.
      nearest: synthetic images -> the nearest real `fit` image of each, in their order.
      resize: to the size that the network sees.
      lesion: file of a real image -> bool[S,S], its lesion at that size; None: none is known.
      groups: i64[N], group of each test image, two or more in all; None: images are independent.
    """

    synthetic: ImageSet
    nearest: Callable[[ImageSet], ImageSet]
    resize: Callable[[ImageSet], ImageSet]
    lesion: Callable[[str], np.ndarray] | None
    groups: np.ndarray | None = None


def num_evaluations(
    settings: ExplainSettings, num_classes: int, num_test: int, num_synthetic: int
) -> float:
    """About how many images the network is asked about by `explain_sets`, perturbed ones or whole.

    The whole sets are asked about once each to choose from them, the test images also with regions
    blanked; a `RememberedPredictor` answers the same question a second time from its folder. The
    comparison with the package lime is not counted: it is of few images.

    Args:
      num_classes: of both sets.
      num_test, num_synthetic: images of the sets.
    """
    images = num_classes * (settings.images + len(choice.ROLES))
    per_image = study_evaluations(settings.lime, settings.repeats)
    # Both kinds; and a synthetic image's nearest real one is explained too.
    perturbed = images * (2 * per_image + settings.lime.expected_samples)
    return perturbed + probe_evaluations(num_test) + num_synthetic


def explain_sets(
    settings: ExplainSettings,
    test: ImageSet,
    sources: Sources,
    predictor: Predictor,
    model: BestNetwork,
    directory: pathlib.Path,
) -> None:
    """Writes lime.json and the pages of pictures; the paper explains both kinds (4.7, 5.5).

    Args:
      test: the real test images, which the caller has opened.
      model: the network behind `predictor`, for lime.json.
      directory: receives the files.
    """
    grad_cam = GradCam(predictor)
    explained = {
        kind: _explain_kind(settings, kind, images, sources, predictor, grad_cam)
        for kind, images in zip(KINDS, (test, sources.synthetic), strict=True)
    }
    classes = {kind: of_kind.by_class() for kind, of_kind in explained.items()}
    summaries = {kind: _summaries(studies) for kind, studies in classes.items()}
    lime = settings.lime.as_done()
    LimeSummary(
        model=model,
        engine=lime.engine,
        num_samples=lime.num_samples,
        precision=lime.precision,
        evaluations=evaluations_of(explained, lime),
        sampling=lime.sampling,
        control=lime.control,
        segmentation=lime.segmentation,
        regions=lime.regions,
        seed=lime.seed,
        images_per_class=settings.images,
        repeats=settings.repeats,
        summary=summaries,
        comparison=compare(classes["real"], classes["synthetic"], lime.seed),
        nearest=agreement_with_nearest(explained["synthetic"]),
        alarms={kind: shortcut_alarms(summaries[kind]) for kind in KINDS},
        check=_compare_engines(settings, explained, predictor)
        if settings.compare_with_lime
        else None,
        pages=draw_pages(explained, directory),
        images=tuple(
            record for kind, of_kind in explained.items() for record in records(kind, of_kind)
        ),
        probes=probe_regions(
            predictor,
            sources.resize(test),
            sources.groups,
            summaries["real"][ALL_CLASSES]["lime"],
            lime.seed,
        ),
    ).write(directory / "lime.json")


def _explain_kind(
    settings: ExplainSettings,
    kind: str,
    image_set: ImageSet,
    sources: Sources,
    predictor: Predictor,
    grad_cam: GradCam,
) -> Explained:
    """Explains the chosen images of one kind, and synthetic ones' nearest real images."""
    resized = sources.resize(image_set)
    probabilities = predictor.probabilities(resized.images)
    roles = choice.telling(probabilities, resized.labels)
    drawn = choice.sample(resized.labels, settings.images, settings.seed).tolist()
    chosen = sorted({*roles, *drawn})
    images = resized.subset(chosen)
    lesion = sources.lesion if kind == "real" else None
    studies = [
        study(
            predictor,
            grad_cam,
            images.images[i],
            settings.lime,
            settings.repeats,
            probabilities[chosen[i]],
            lesion(images.files[i]) if lesion else None,
        )
        for i in progress_over(range(len(images)), description=f"explain {kind}", unit="image")
    ]
    nearest, nearest_explanations = None, []
    if kind == "synthetic":
        nearest = sources.resize(sources.nearest(image_set.subset(chosen)))
        # Both of a pair are explained for the class that is predicted of the synthetic one.
        labels = np.array([each.explanation.label for each in studies])
        nearest_explanations = explain(predictor, nearest.images, settings.lime, labels)
    return Explained(
        images=images,
        roles=[roles.get(i, []) for i in chosen],
        sampled=[i in set(drawn) for i in chosen],
        studies=studies,
        nearest=nearest,
        nearest_explanations=nearest_explanations,
    )


def _summaries(classes: Mapping[str, list[Study]]) -> dict[str, Summary]:
    """Summaries by class, and of all classes together."""
    together = [each for studies in classes.values() for each in studies]
    return {name: summarise(studies) for name, studies in classes.items()} | {
        ALL_CLASSES: summarise(together)
    }


def _compare_engines(
    settings: ExplainSettings, explained: Mapping[str, Explained], predictor: Predictor
) -> EngineAgreement:
    """Explains the pictured images by both engines, under the package's own masks."""
    ours, theirs = (
        dataclasses.replace(
            settings.lime, engine=engine, precision=0.0, sampling="bernoulli", control="none"
        )
        for engine in ("jax", "lime")
    )
    differences, largest = [], []
    for of_kind in explained.values():
        pictured = [i for i, roles in enumerate(of_kind.roles) if roles]
        images = of_kind.images.images[pictured]
        for a, b in zip(
            explain(predictor, images, ours), explain(predictor, images, theirs), strict=True
        ):
            differences.append(float(np.abs(a.weights - b.weights).max()))
            largest.append(float(np.abs(b.weights).max()))
    return EngineAgreement(len(differences), max(differences), max(largest))
