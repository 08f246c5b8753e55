"""The stage `filter`: a second synthetic set, without suspected copies of training images.

It is a stage of its own, and no part of `generate`: what is taken for a copy follows from `fit`,
which drawing has no need of; the unfiltered set stays what the generator made, for the audit to
judge; and what may be given away lies in one folder. It reads no held-out image, since a filter
that did would choose by the test.
"""

from __future__ import annotations

import pathlib

import numpy as np

from synthmed_jax.audit import copy_filter, copy_search, filter_text
from synthmed_jax.audit.copy_filter import Candidates
from synthmed_jax.data import filtered, synthetic
from synthmed_jax.data.filtered import ScoredImage
from synthmed_jax.data.png import encode_png
from synthmed_jax.data.synthetic import ManifestRow
from synthmed_jax.diffusion.settings import NO_FILTER
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_bytes
from synthmed_jax.results.filtered import Filtered, FilteredClass
from synthmed_jax.results.memorisation import UNION
from synthmed_jax.results.section import FILE
from synthmed_jax.stages import audit_time, base, diffusion, generate, split
from synthmed_jax.stages.base import Stage
from synthmed_jax.stages.run import Run

MOST = 3
"""So many times as many images as are wanted are looked at, at most."""
RESULT = "filter.json"


def is_wanted(run: Run) -> bool:
    """Whether the settings ask for a filtered set."""
    return run.settings.generate.filter != NO_FILTER


def _check(run: Run) -> None:
    if not is_wanted(run):
        raise UserError(
            "the stage 'filter' has nothing to do with config.generate.filter=none: set "
            "--config.generate.filter=copies"
        )
    why = copy_search.why_not(run.inputs.planned_split.parts.fit)
    if why:
        raise _no_search(why)


def _no_search(why: str) -> UserError:
    return UserError(
        f"config.generate.filter=copies can't tell which images are copies: {why}; set "
        "--config.generate.filter=none"
    )


def _run(run: Run) -> None:
    search, folder = run.compiled.copy_search, run.workdir.filtered
    if isinstance(search, str):
        raise _no_search(search)
    counts, generators = run.inputs.synthetic_counts, diffusion.generator_of_label(run)
    # An image of a run that wanted more must not be given away with the others.
    base.remove(folder)
    images: list[ScoredImage] = []
    classes: dict[str, FilteredClass] = {}
    for label, (name, count) in enumerate(zip(run.inputs.class_names, counts, strict=True)):
        found = _candidates(run, search, label)
        kept = found.kept(count)
        if kept.sum() < count:
            raise UserError(
                f"of the first {len(kept)} synthetic images of {name}, {found.flagged.sum()} look "
                f"like copies of training images, and {count} others are wanted: the generator "
                "repeats what it was shown. Train it for fewer steps "
                "(--config.diffusion.train.steps) or on more images, or set "
                "--config.generate.filter=none to see what the audit says of it"
            )
        images += _write_class(run, folder, name, found, kept, generators[label][2])
        classes[name] = FilteredClass(len(kept), int(found.flagged.sum()), int(kept.sum()))
    filtered.write_scored(folder, images)
    thresholds = dict(search.thresholds[UNION])
    result = Filtered(run.settings.audit.seed, run.settings.diffusion.flips, thresholds, classes)
    result.write(folder / RESULT)
    filter_text.to_section(result).write(folder / FILE)


def _candidates(run: Run, search: copy_search.Calibrated, label: int) -> Candidates:
    """The images of a class, and as many more as were drawn in place of suspected copies."""
    whole = run.inputs.synthetic
    images = whole.images[whole.labels == label]
    params, label_in_model, _ = diffusion.generator_of_label(run)[label]

    def draw(index: np.ndarray) -> np.ndarray:
        return run.compiled.draw(params, np.full(len(index), label_in_model, np.int32), index)

    def look(images: np.ndarray) -> Candidates:
        nearest = search.look(images)
        alike = {space: found.alike for space, found in nearest.items()}
        return Candidates(images, alike, search.flag(nearest, UNION))

    return copy_filter.top_up(images, draw, look, run.settings.generate.block, MOST * len(images))


def _write_class(
    run: Run,
    folder: pathlib.Path,
    name: str,
    found: Candidates,
    kept: np.ndarray,
    checkpoint: str,
) -> list[ScoredImage]:
    """Writes the images that are kept; returns what the manifest says of all."""
    settings, made_by = run.settings.generate, base.fingerprint(run, STAGE).digest
    scored = []
    for index, image in enumerate(found.images):
        path, png = synthetic.path_of(name, index), encode_png(image)
        if kept[index]:
            write_bytes(folder / path, png)
        row = ManifestRow(
            path=path,
            class_name=name,
            index=index,
            seed=settings.seed,
            sampler=settings.sampler,
            steps=settings.steps,
            guidance=settings.guidance,
            checkpoint=checkpoint,
            sha256=sha256(png),
            used=bool(kept[index]),
            made_by=made_by,
        )
        alike = {space: float(each[index]) for space, each in found.alike.items()}
        scored.append(ScoredImage(row, alike, bool(found.flagged[index])))
    return scored


def _expect(run: Run) -> float:
    """Where no image is taken for a copy: how many are drawn in place of others is not known."""
    counts = run.inputs.synthetic_counts
    looks = sum(audit_time.seconds_to_look(run, count) for count in counts)
    return audit_time.seconds_to_calibrate(run) + looks


STAGE = Stage(
    "filter",
    _run,
    fields=("generate.filter", "audit.seed"),
    inputs=(split.STAGE, generate.STAGE),
    units=generate.images_per_class,
    check=_check,
    expect=_expect,
    optional=True,
    asked=is_wanted,
    folder="filtered",
)
