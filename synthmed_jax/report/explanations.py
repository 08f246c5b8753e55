"""The report's section on explanations: tables and sentences, from explain/lime.json alone."""

from __future__ import annotations

from typing import Any

from synthmed_jax.report.wording import n_is, percent

ALL = "all classes"
FALSE_DISCOVERY = 0.05
DASH = "\N{EN DASH}"

# (key of lime.json's summary, heading, digits); absent or None everywhere: no column.
OF_LIME = (
    ("r2", "R\N{SUPERSCRIPT TWO}", 2),
    ("foreground", "foreground", 2),
    ("border", "border", 2),
    ("corners", "corners", 2),
    ("deletion_gain", "deletion gain", 3),
    ("insertion_gain", "insertion gain", 3),
    ("rank_correlation", "rank corr.", 2),
    ("top_overlap", "top 5 shared", 2),
)
OF_METHODS = (
    ("deletion_gain", "deletion gain", 3),
    ("insertion_gain", "insertion gain", 3),
    ("foreground", "foreground", 2),
    ("border", "border", 2),
    ("lesion", "in the lesion", 2),
    ("hit", "points into it", 2),
    ("hit_by_chance", "by chance", 2),
)
METHODS = {"lime": "LIME", "occlusion": "occlusion", "grad_cam": "Grad-CAM"}


def build(lime: dict[str, Any]) -> dict[str, Any]:
    """Returns the section's variables for the templates: sentences and tables."""
    return {
        "intro": intro(lime),
        "alarms": alarms(lime),
        "tables": [by_class(lime), by_method(lime), differences(lime)],
        "comparison": comparison(lime),
        "check": check(lime),
    }


def intro(lime: dict[str, Any]) -> str:
    """Returns what was explained, and how."""
    model = lime["model"]
    return (
        f"Which regions made {model['backbone']} (arm {model['arm']}, fold {model['fold']}) answer "
        f"as it did: LIME (engine {lime['engine']}, {lime['segmentation']} regions, "
        f"{lime['num_samples']} perturbed copies of each image, sampling {lime['sampling']}"
        f"{_control(lime)}, seed {lime['seed']}). Numbers are of {lime['images_a_class']} images "
        "a class and kind at most, drawn at random; the pictures are of chosen ones. "
        "R\N{SUPERSCRIPT TWO} is the share of the variation in the network's answers that an "
        "explanation accounts for: near 0 it explains nothing. On the pictures + and "
        "\N{MINUS SIGN} mark regions that speak strongly "
        "for and against the predicted class; outlined ones speak for it."
    )


def _control(lime: dict[str, Any]) -> str:
    """Older workdirs do not say."""
    control = lime.get("control", "none")
    return "" if control == "none" else f", {control} control variate"


def alarms(lime: dict[str, Any]) -> list[str]:
    """Returns a warning for every class whose explanations keep to the edge of the image."""
    said = []
    for kind, found in lime["alarms"].items():
        for alarm in found:
            said.append(
                f"Shortcut alarm: on {kind} images of {alarm['class']} the "
                f"{'rim' if alarm['area'] == 'border' else 'corners'} of the image weighs "
                f"{_interval(alarm, 2)} times its area ({n_is(alarm['n'])}). Scale bars, text or "
                "frames may give the class away."
            )
    return said


def by_class(lime: dict[str, Any]) -> dict[str, Any]:
    """Returns LIME's numbers of every class and kind."""
    rows = [
        (f"{name}, {kind}", summary["lime"])
        for kind, classes in lime["summary"].items()
        for name, summary in classes.items()
    ]
    return _table(
        rows,
        OF_LIME,
        "LIME by class: means with standard deviations over images. Foreground, border and "
        "corners: the area's share of the importance over its share of the pixels (1.0: no "
        "preference). Gains: how much faster than in random order the probability falls while "
        "regions are hidden, and rises while they are shown (0: no better than chance). Rank "
        "correlation and shared top five: between explanations under different seeds.",
    )


def by_method(lime: dict[str, Any]) -> dict[str, Any]:
    """Returns the same scores of LIME and of the second opinions."""
    rows = [
        (f"{METHODS[method]}, {kind}", classes[ALL][method])
        for kind, classes in lime["summary"].items()
        for method in METHODS
    ]
    return _table(
        rows, OF_METHODS, "Second opinions on the same regions and images, under the same scores."
    )


def differences(lime: dict[str, Any]) -> dict[str, Any]:
    """Returns the tests that find a difference between real and synthetic images."""
    tests = lime["comparison"]["tests"]
    found = sorted((t for t in tests if t["q"] < FALSE_DISCOVERY), key=lambda t: t["q"])
    rows = [
        {
            "name": f"{test['class']}, {test['number'].replace('_', ' ')}",
            "values": [
                f"{test['mean_real']:.3f}",
                f"{test['mean_synthetic']:.3f}",
                percent(test["superiority"], 0),
                f"{test['p']:.2g}",
                f"{test['q']:.2g}",
            ],
        }
        for test in found
    ]
    return {
        "columns": ["real", "synthetic", "synthetic larger", "p", "q"],
        "rows": rows,
        "caption": f"Numbers that differ between real and synthetic images: {len(rows)} of "
        f"{len(tests)} tests (Mann-Whitney; q is p adjusted for that many, listed below "
        f"{FALSE_DISCOVERY}). Synthetic larger: the chance that a random synthetic image has the "
        "larger value.",
    }


def comparison(lime: dict[str, Any]) -> list[str]:
    """Returns whether the network looks at the same places in real and synthetic images."""
    said = []
    for name, place in lime["comparison"]["places"].items():
        if place:
            said.append(
                f"{name}: the mean importance maps of real and synthetic images correlate with "
                f"{place['all']:.2f} (ranks); halves of {n_is(place['half'])} images, real with "
                f"synthetic {place['mixed_halves']:.2f}, real with real {place['real_halves']:.2f}."
            )
    nearest = lime["nearest"]
    if nearest["nearest"]["n"]:
        said.append(
            "Maps of synthetic images correlate with that of their nearest real image by "
            f"{_interval(nearest['nearest'], 2)}, with those of other such real images of the "
            f"class by {_interval(nearest['others_of_the_class'], 2)} "
            f"({n_is(nearest['nearest']['n'])})."
        )
    return said


def check(lime: dict[str, Any]) -> str | None:
    """Returns how far our engine and the package agree; None where that was not asked."""
    found = lime["check"]
    if found is None:
        return None
    return (
        f"The package lime, given the same regions and masks, finds the same weights of "
        f"{n_is(found['num_images'])} images to {found['largest_difference']:.1g} (the largest "
        f"weight is {found['largest_weight']:.2g})."
    )


def caption(page: dict[str, Any]) -> str:
    """Returns what a page of pictures shows."""
    if page["shows"] == "nearest":
        return (
            f"Synthetic images of {page['class']} and, beside each, the real image that the "
            "generator learned from which is nearest to it; both for the class that the network "
            "sees in the synthetic one."
        )
    return (
        f"Images of {page['class']}, real test images on the left and synthetic ones on the "
        "right: the surest right and wrong predictions and the least certain one. Each as it is, "
        "with the weights of its regions, and with the regions that speak for the prediction."
    )


def _table(
    rows: list[tuple[str, dict[str, Any]]], columns: tuple[tuple[str, str, int], ...], said: str
) -> dict[str, Any]:
    known = [c for c in columns if any(values.get(c[0], {}).get("n") for _, values in rows)]
    return {
        "columns": ["n", *(heading for _, heading, _ in known)],
        "rows": [
            {
                "name": name,
                "values": [
                    str(max((values[key]["n"] for key, _, _ in known if key in values), default=0)),
                    *(_spread(values.get(key), digits) for key, _, digits in known),
                ],
            }
            for name, values in rows
        ],
        "caption": said,
    }


def _spread(value: dict[str, Any] | None, digits: int) -> str:
    if value is None or value["mean"] is None:
        return DASH
    mean = f"{value['mean']:.{digits}f}"
    std = value["std"]
    return mean if std is None else f"{mean} \N{PLUS-MINUS SIGN} {std:.{digits}f}"


def _interval(value: dict[str, Any], digits: int) -> str:
    mean = f"{value['mean']:.{digits}f}"
    if value["low"] is None:
        return mean
    return f"{mean} (95 % {value['low']:.{digits}f} to {value['high']:.{digits}f})"
