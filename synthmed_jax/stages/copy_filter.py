"""The stage `filter`: a second synthetic set, without suspected copies or images off their class.

It is a stage of its own, and no part of `generate`: what is left out follows from `fit`, which
drawing has no need of; the unfiltered set stays what the generator made, for the audit to
judge; and what may be given away lies in one folder. It reads no held-out image, since a filter
that did would choose by the test.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np

from synthmed_jax.audit import class_check, copy_filter, copy_search, fidelity, filter_text
from synthmed_jax.audit.copy_filter import Candidates
from synthmed_jax.data import filtered
from synthmed_jax.data.filtered import ScoredImage
from synthmed_jax.data.manifest import MANIFEST, MANIFEST_FIELDS
from synthmed_jax.data.png import encode_png
from synthmed_jax.diffusion.generate import row_of
from synthmed_jax.diffusion.generate_settings import COPIES, OFF_CLASS
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import sha256, write_bytes
from synthmed_jax.results.audit import Measured
from synthmed_jax.results.filtered import FILTERED, OTHER_REAL, SYNTHETIC, Filtered, FilteredClass
from synthmed_jax.results.memorisation import UNION
from synthmed_jax.results.section import FILE
from synthmed_jax.stages import audit_time, base, diffusion, generate, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

MOST = 3
"""So many times as many images as are wanted are looked at, at most."""
RESULT = "filter.json"
OWN_CLASS = "own_class"
"""Column of the scores: the probability that a classifier of `fit` images gives the label."""
COLUMNS = {COPIES: "flagged", OFF_CLASS: "off_class"}
"""Reason -> its column of the scores."""


def is_wanted(run: Run) -> bool:
    """Whether the settings ask for a filtered set."""
    return bool(run.settings.generate.filters)


def unit(run: Run) -> tuple[str, ...]:
    """The filtered set as a unit of what is made of it; nothing without one."""
    settings = run.settings.generate
    if OFF_CLASS in settings.filters:
        return (f"filtered {settings.filter} {settings.off_class_share}",)
    return ("filtered",) if is_wanted(run) else ()


def _check(run: Run) -> None:
    filters, parts = run.settings.generate.filters, run.inputs.planned_split.parts
    if not filters:
        raise UserError(
            "the stage 'filter' has nothing to do with config.generate.filter=none: set "
            "--config.generate.filter=copies"
        )
    why = copy_search.why_not(parts.fit) if COPIES in filters else ""
    if why:
        raise _no_search(run, why)
    why = class_check.why_not(parts.fit, parts.fit_groups) if OFF_CLASS in filters else ""
    if why:
        raise UserError(
            f"config.generate.filter={run.settings.generate.filter} can't tell which images are "
            f"off their class: {why}; set --config.generate.filter=copies"
        )


def _no_search(run: Run, why: str) -> UserError:
    return UserError(
        f"config.generate.filter={run.settings.generate.filter} can't tell which images are "
        f"copies: {why}; set --config.generate.filter=none"
    )


def _run(run: Run) -> None:
    folder, generate_settings = run.workdir.filtered, run.settings.generate
    search, check = _search(run), _class_check(run)
    counts, generators = run.inputs.synthetic_counts, diffusion.generator_of_label(run)
    # An image of a run that wanted more must not be given away with the others.
    base.remove(folder)
    images: list[ScoredImage] = []
    classes: dict[str, FilteredClass] = {}
    for label, (name, count) in enumerate(zip(run.inputs.class_names, counts, strict=True)):
        found = _candidates(run, search, check, label)
        kept = found.kept(count)
        if kept.sum() < count:
            raise _too_few(run, name, found, count)
        images += _write_class(run, folder, name, found, kept, generators[label][2])
        dropped = {reason: int(each.sum()) for reason, each in found.reasons.items()}
        classes[name] = FilteredClass(
            len(kept), dropped.get(COPIES, 0), int(kept.sum()), dropped.get(OFF_CLASS, 0)
        )
    filtered.write_scores(run.workdir.filter_scores, images)
    filtered.write_kept(folder, images)
    result = Filtered(
        seed=run.settings.audit.seed,
        flips=run.settings.diffusion.flips,
        thresholds={} if search is None else dict(search.thresholds[UNION]),
        classes=classes,
        off_class={} if check is None else check.by_class(),
        off_class_share=0.0 if check is None else generate_settings.off_class_share,
        coverage=_coverage(run),
    )
    result.write(folder / RESULT)
    filter_text.to_section(result).write(folder / FILE)


def _search(run: Run) -> copy_search.Calibrated | None:
    if COPIES not in run.settings.generate.filters:
        return None
    search = run.compiled.copy_search
    if isinstance(search, str):
        raise _no_search(run, search)
    return search


def _class_check(run: Run) -> class_check.ClassCheck | None:
    settings, parts = run.settings, run.inputs.parts
    if OFF_CLASS not in settings.generate.filters:
        return None
    share, seed = settings.generate.off_class_share, settings.audit.seed
    return class_check.learn(parts.fit, parts.fit_groups, share, seed)


def _too_few(run: Run, name: str, found: Candidates, wanted: int) -> UserError:
    """What to do where too many images are left out of a class."""
    said = {
        COPIES: "look like copies of training images",
        OFF_CLASS: "look like another class to a classifier of real images",
    }
    counted = " and ".join(f"{each.sum()} {said[why]}" for why, each in found.reasons.items())
    return UserError(
        f"of the first {len(found.images)} synthetic images of {name}, {counted}, and {wanted} "
        "others are wanted. Train the generator for fewer steps (--config.diffusion.train.steps) "
        "or on more images where it repeats what it was shown, and for more steps where it draws "
        "other classes; lower --config.generate.off_class_share to leave fewer out as off class, "
        "or set --config.generate.filter=none to see what the audit says of the set"
    )


def _coverage(run: Run) -> dict[str, Measured]:
    """Of `fit` images, before and after the filter."""
    audit, before = run.settings.audit, run.inputs.synthetic
    after = copy_filter.at_their_places(run.inputs.filtered, before)
    sets = {SYNTHETIC: before, FILTERED: after}
    found, other = fidelity.coverage(sets, run.inputs.parts.fit, audit.images, audit.seed)
    return found if other is None else found | {OTHER_REAL: other}


def _candidates(
    run: Run,
    search: copy_search.Calibrated | None,
    check: class_check.ClassCheck | None,
    label: int,
) -> Candidates:
    """The images of a class, and as many more as were drawn in place of those left out."""
    whole = run.inputs.synthetic
    images = whole.images[whole.labels == label]
    params, label_in_model, _ = diffusion.generator_of_label(run)[label]

    def draw(index: np.ndarray) -> np.ndarray:
        return run.compiled.draw(params, np.full(len(index), label_in_model, np.int32), index)

    def look(images: np.ndarray) -> Candidates:
        scores, reasons = {}, {}
        if search is not None:
            nearest = search.look(images)
            scores = {f"alike_{space}": found.alike for space, found in nearest.items()}
            reasons[COPIES] = search.flag(nearest, UNION)
        if check is not None:
            scores[OWN_CLASS] = check.probabilities(images)[:, label]
            reasons[OFF_CLASS] = scores[OWN_CLASS] < check.least[label]
        return Candidates(images, scores, reasons)

    return copy_filter.top_up(images, draw, look, run.settings.generate.block, MOST * len(images))


def _write_class(
    run: Run,
    folder: pathlib.Path,
    name: str,
    found: Candidates,
    kept: np.ndarray,
    checkpoint: str,
) -> list[ScoredImage]:
    """Writes the images that are kept; returns what was seen of all."""
    settings, made_by = run.settings.generate, base.fingerprint(run, STAGE).digest
    scored = []
    for index, image in enumerate(found.images):
        png = encode_png(image)
        row = row_of(name, index, settings, checkpoint, sha256(png), made_by)
        if kept[index]:
            write_bytes(folder / row.path, png)
        row = dataclasses.replace(row, used=bool(kept[index]))
        scores = {score: float(each[index]) for score, each in found.scores.items()}
        reasons = {COLUMNS[why]: bool(each[index]) for why, each in found.reasons.items()}
        scored.append(ScoredImage(row, scores, reasons))
    return scored


def _needed(run: Run) -> Iterator[pathlib.Path]:
    """The manifest, without the scores that earlier versions wrote into it."""
    path = run.workdir.filtered / MANIFEST
    yield path
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        if file.readline().rstrip() != ",".join(MANIFEST_FIELDS):
            raise Damaged(
                path,
                "has scores, as earlier versions wrote them, which show who has a training image "
                "that it was one: do not give that folder away; it is made anew",
            )


def _expect(run: Run) -> float:
    """Where no image is taken for a copy: how many are drawn in place of others is not known."""
    counts = run.inputs.synthetic_counts
    if COPIES not in run.settings.generate.filters:
        return 0.0  # forests take seconds
    looks = sum(audit_time.seconds_to_look(run, count) for count in counts)
    return audit_time.seconds_to_calibrate(run) + looks


STAGE = Stage(
    "filter",
    _run,
    fields=("generate.filter", "generate.off_class_share", "audit.seed", "audit.images"),
    inputs=(split.STAGE, generate.STAGE),
    units=generate.images_per_class,
    check=_check,
    expect=_expect,
    optional=True,
    asked=is_wanted,
    folder="filtered",
    needed=_needed,
)
