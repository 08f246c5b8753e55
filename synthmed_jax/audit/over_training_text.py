"""Copies and attacks over the training in words and a table, for the report."""

from __future__ import annotations

from synthmed_jax.audit.copy_excess import STRICT_FALSE_ALARMS
from synthmed_jax.results.memorisation import Rate
from synthmed_jax.results.over_training import AtStep, OverTraining
from synthmed_jax.results.section import Row, Section, SectionPicture, Table

FILE, PICTURE = "section_over_training.json", "over_training.png"
_NONE = "-"
_TITLE = "How copies and the attack by loss came about during training"


def to_section(found: OverTraining) -> Section:
    """Returns the section, with PICTURE where weights were kept."""
    if not found.points:
        words = (
            "Nothing can be looked back at: no weights were kept at every "
            f"{found.keep_every} steps (config.diffusion.train.keep_every). They are kept while a "
            "generator is trained, and a training that has ended is not repeated."
        )
        return Section(_TITLE, (words,))
    missing = [
        f"Nothing is concluded about {what}: {why}."
        for what, why in (("copies", found.why_no_search), ("the attack", found.why_no_attack))
        if why
    ]
    return Section(
        title=_TITLE,
        paragraphs=(_summary(found), *missing),
        tables=(_table(found),),
        pictures=(
            SectionPicture(
                PICTURE,
                "Curves over the step of training: loss on val, images flagged, success of the "
                "attack by loss",
                "Loss on val, share of drawn images that the search for copies flags, and area "
                "under the ROC curve of the attack by loss, with 95 % intervals. Vertical lines: "
                "the weights that this run's images were drawn from. Dashed: false alarms, chance.",
            ),
        ),
    )


def _summary(found: OverTraining) -> str:
    chosen = ", ".join(str(step) for step in sorted(set(found.chosen)))
    return (
        f"Weights were kept every {found.keep_every} steps. With those of each step, the same "
        f"{found.images} images per class were drawn and searched for copies, and members were "
        "told from other images by the loss, which takes the weights. The run's own images are "
        f"of step {chosen}, which the loss on val alone has chosen. Nothing was chosen by this "
        "table: whoever stops earlier because of it needs a new audit on a new seed."
    )


def _table(found: OverTraining) -> Table:
    rows = tuple(Row(f"step {point.step}", _cells(point)) for point in found.points)
    flagged = ""
    if found.false_alarms is not None:
        flagged = (
            f" Of different fit images, which are no copies, {found.false_alarms.share:.1%} are "
            f"flagged too. Strictly: by a threshold that at most {STRICT_FALSE_ALARMS:.1%} of "
            "images that are no copies should pass."
        )
    caption = (
        "Weights of each step: loss on val, images drawn that are flagged as copies, and the area "
        f"under the ROC curve of the attack by loss (chance: 0.5); 95 % intervals.{flagged}"
    )
    return Table(("loss on val", "flagged", "flagged strictly", "AUROC"), rows, caption)


def _cells(point: AtStep) -> tuple[str, ...]:
    area = _NONE
    if point.area is not None:
        area = f"{point.area.value:.3f} ({point.area.low:.3f} to {point.area.high:.3f})"
    return (
        _NONE if point.val_loss is None else f"{point.val_loss:.4f}",
        _rate(point.flagged),
        _rate(point.flagged_strictly),
        area,
    )


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return _NONE
    return f"{rate.hits} of {rate.n} ({rate.low:.1%} to {rate.high:.1%})"
