"""Explains real test images and synthetic ones with one network: pictures, numbers, comparison."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from synthmed_jax import checks, runlog
from synthmed_jax.data import held_out
from synthmed_jax.data.images import ImageSet
from synthmed_jax.explain import choice, comparison, pictures, scores
from synthmed_jax.explain.lime import Explanation, LimeSettings, explain
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.explain.second_opinions import GradCam
from synthmed_jax.explain.study import (
    Study,
    coarse_heat,
    compare,
    shortcut_alarms,
    study,
    summarise,
)

KINDS = ("real", "synthetic")


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


class _Explained(NamedTuple):
    """Explained images of one kind.

    Attributes:
      images: at the network's size.
      roles: of each, those of choice.ROLES; none: it was drawn for the numbers alone.
      sampled: bool of each, whether it was drawn for the numbers.
      studies: one each.
      nearest: synthetic images' nearest real ones, else None.
      nearest_found: their explanations.
    """

    images: ImageSet
    roles: list[list[str]]
    sampled: list[bool]
    studies: list[Study]
    nearest: ImageSet | None
    nearest_found: list[Explanation]

    def by_class(self) -> dict[str, list[Study]]:
        """The studies that the numbers are of, of every class that has some."""
        names = self.images.class_names
        found: dict[str, list[Study]] = {name: [] for name in names}
        for label, sampled, each in zip(
            self.images.labels, self.sampled, self.studies, strict=True
        ):
            if sampled:
                found[names[label]].append(each)
        return {name: studies for name, studies in found.items() if studies}


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
    runlog.write_json(
        directory / "lime.json",
        {
            "model": model,
            **settings.lime.facts(),
            "images_a_class": settings.images,
            "repeats": settings.repeats,
            "summary": summaries,
            "comparison": compare(classes["real"], classes["synthetic"], settings.lime.seed),
            "nearest": _agreement_with_nearest(explained["synthetic"]),
            "alarms": {kind: shortcut_alarms(summaries[kind]) for kind in KINDS},
            "check": _check(settings, explained, predictor) if settings.check else None,
            "pages": _draw_pages(explained, directory),
            "images": [
                record for kind, found in explained.items() for record in _records(kind, found)
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
) -> _Explained:
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
        for i in runlog.progress(range(len(images)), description=f"explain {kind}", unit="image")
    ]
    nearest, found = None, []
    if kind == "synthetic":
        nearest = sources.resize(sources.nearest(whole.subset(np.array(chosen))))
        # Both sides explain what the network says of the synthetic one.
        labels = np.array([each.explanation.label for each in studies])
        found = explain(predictor, nearest.images, settings.lime, labels)
    return _Explained(
        images,
        [roles.get(i, []) for i in chosen],
        [i in set(drawn) for i in chosen],
        studies,
        nearest,
        found,
    )


def _records(kind: str, found: _Explained) -> list[dict[str, Any]]:
    names = found.images.class_names
    records = []
    for i, each in enumerate(found.studies):
        own = each.explanation
        records.append(
            {
                "kind": kind,
                "file": found.images.files[i],
                "label": names[found.images.labels[i]],
                "predicted": names[own.label],
                "roles": found.roles[i],
                "sampled": found.sampled[i],
                "probabilities": dict(zip(names, own.probabilities.tolist(), strict=True)),
                "weights": own.own_weights.tolist(),
                "standard_errors": None
                if own.standard_errors is None
                else own.standard_errors[:, own.label].tolist(),
                "r2": float(own.r2[own.label]),
                "stability": each.stability._asdict() if each.stability else None,
                "numbers": each.numbers,
                "nearest": found.nearest.files[i] if found.nearest else None,
            }
        )
    return records


def _agreement_with_nearest(found: _Explained) -> dict[str, Any]:
    """Rank correlation of synthetic images' maps with those of their nearest real ones.

    Beside it the same with the nearest ones of other synthetic images of the class: by chance.
    """
    own, chance = [], []
    heats = [coarse_heat(each) for each in found.nearest_found]
    for i, each in enumerate(found.studies):
        if not found.sampled[i] or each.heat is None:
            continue
        others = [
            heat
            for j, heat in enumerate(heats)
            if j != i and found.images.labels[j] == found.images.labels[i] and heat is not None
        ]
        mine = heats[i]
        if mine is not None and others:
            flat = each.heat.ravel()
            own.append(scores.rank_correlation(flat, mine.ravel()))
            chance.append(
                float(np.mean([scores.rank_correlation(flat, heat.ravel()) for heat in others]))
            )
    return {
        "nearest": comparison.interval_of_mean(own),
        "others_of_the_class": comparison.interval_of_mean(chance),
    }


def _check(
    settings: ExplainSettings, explained: Mapping[str, _Explained], predictor: Predictor
) -> dict[str, Any]:
    """Explains the pictured images by both engines, under the package's own masks."""
    ours, theirs = (
        dataclasses.replace(settings.lime, engine=engine, sampling="bernoulli")
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


def _draw_pages(
    explained: Mapping[str, _Explained], directory: pathlib.Path
) -> list[dict[str, Any]]:
    pages = []
    for label, name in enumerate(explained["real"].images.class_names):
        rows = [
            [_entry_of_role(explained[kind], label, role) for kind in KINDS]
            for role in choice.ROLES
        ]
        # Numbered: a class may be named what no file can be.
        pictures.draw_page(directory / f"class{label}.png", name, rows, KINDS)
        pairs = _pairs(explained["synthetic"], label)
        said = f"{name}: synthetic images and their nearest real (fit) ones"
        pictures.draw_page(directory / f"nearest{label}.png", said, pairs, ("synthetic", "nearest"))
        pages += [
            {"picture": f"explain/class{label}.png", "class": name, "shows": "roles"},
            {"picture": f"explain/nearest{label}.png", "class": name, "shows": "nearest"},
        ]
    return pages


def _entry_of_role(found: _Explained, label: int, role: str) -> pictures.Entry | None:
    for i, roles in enumerate(found.roles):
        if found.images.labels[i] == label and role in roles:
            names = found.images.class_names
            own = found.studies[i].explanation
            return pictures.Entry(own, f"{role}: {_verdict(own, names, names[label])}")
    return None


def _pairs(found: _Explained, label: int) -> list[list[pictures.Entry | None]]:
    assert found.nearest is not None
    names = found.images.class_names
    rows: list[list[pictures.Entry | None]] = []
    for i, roles in enumerate(found.roles):
        if found.images.labels[i] == label and roles:
            pair: Sequence[tuple[Explanation, int]] = (
                (found.studies[i].explanation, label),
                (found.nearest_found[i], int(found.nearest.labels[i])),
            )
            rows.append(
                [pictures.Entry(own, _verdict(own, names, names[truth])) for own, truth in pair]
            )
    return rows


def _verdict(found: Explanation, names: Sequence[str], truth: str) -> str:
    predicted = int(found.probabilities.argmax())
    return (
        f"predicted {names[predicted]} {found.probabilities[predicted]:.0%}, truth {truth}, "
        f"R² {found.r2[found.label]:.2f}"
    )
