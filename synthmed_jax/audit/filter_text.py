"""The filter of suspected copies in words and a table, for the report."""

from __future__ import annotations

from synthmed_jax.audit.copy_threshold import FALSE_ALARMS
from synthmed_jax.results.filtered import Filtered
from synthmed_jax.results.section import Row, Section, Table

_HOW = (
    "A second set was made of the synthetic images: those that the search for copies takes for "
    "copies of training images are left out, and others were drawn in their place, so that each "
    "class has as many as before. It lies in the folder filtered, whose manifest.csv has the "
    "scores of every image that was looked at."
)
_LIMITS = (
    f"Of images that are no copies about {FALSE_ALARMS:.0%} are left out too. A copy that the "
    "search does not see stays in: how many that are, the audit's table of power says by kind of "
    "change. The generator is the same: what it has learned, and what its weights give away, no "
    "filter changes. Whether the filter costs accuracy, the arm synthetic_filtered says beside the "
    "arm synthetic, where both were trained."
)


def to_section(found: Filtered) -> Section:
    """Returns the section."""
    rows = tuple(
        Row(name, (str(each.looked_at), f"{each.flagged} ({share:.1%})", str(each.used)))
        for name, each in found.classes.items()
        for share in [each.flagged / each.looked_at]
    )
    caption = (
        "Synthetic images by class; more were looked at than are used where some were left out."
    )
    table = Table(("looked at", "left out as suspected copies", "used"), rows, caption)
    return Section("Synthetic images without suspected copies", (_HOW, _LIMITS), (table,))
