"""The floors beside the networks, as a table."""

from __future__ import annotations

from synthmed_jax.report.formats import DASH, TEST_IMAGES, percent, signed
from synthmed_jax.results.floors import MAJORITY, Floor, Floors
from synthmed_jax.results.section import Row, Table

# A key of evaluation/floors.py's FEATURES -> what a forest sees.
FEATURES = {
    "pixels": "all pixels",
    "histogram": "the histogram of levels of each channel",
    "thumbnail": "a thumbnail of 4 by 4 means",
    "ring": "the outermost ring of pixels",
    "corners": "the four corners",
    "background": "the levels of the background",
    "low_frequencies": "the lowest spatial frequencies",
}


def floor_table(floors: Floors, images: str = TEST_IMAGES) -> Table:
    """Returns a row per floor, and for each arm its two accuracies and how far it is behind.

    Args:
      images: what the floors were tested on.
    """
    arms = list(dict.fromkeys(floor.arm for floor in floors.floors))
    by = {(floor.features, floor.arm): floor for floor in floors.floors}
    names = dict.fromkeys(floor.features for floor in floors.floors)
    columns = [
        f"{arm}: {column}"
        for arm in arms
        for column in ("accuracy", "balanced", "network ahead by")
    ]
    rows = [
        Row(name_of(name), tuple(text for arm in arms for text in _texts(by[name, arm])))
        for name in names
    ]
    units = f"groups of {images}" if floors.unit == "group" else images
    caption = (
        f"What simple means score on the {images}, in %: forests of "
        f"{floors.trees} extremely randomised trees at the settings of scikit-learn, trained in "
        "seconds on all real fit images or on all synthetic ones, at "
        f"{floors.side} by {floors.side} pixels. Network ahead by: balanced accuracy of that arm's "
        "network in the answer less the floor's, in percentage points, with the 95 % "
        f"interval of the paired difference over {units}. Where it holds 0, the network is "
        "not shown to be better; where a floor is high, the classes can be told without a network."
    )
    return Table(tuple(columns), tuple(rows), caption)


def name_of(features: str) -> str:
    """Returns what a floor sees, in words."""
    if features == MAJORITY:
        return "most frequent class"
    return f"forest on {FEATURES[features]}"


def _texts(floor: Floor) -> tuple[str, str, str]:
    ahead = floor.network_ahead
    by = DASH
    if ahead is not None:
        by = f"{signed(ahead.estimate)} ({signed(ahead.low)} to {signed(ahead.high)})"
    return percent(floor.accuracy), percent(floor.balanced_accuracy), by
