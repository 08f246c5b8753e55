"""What a run sets out to estimate: two differences between arms, declared before anything runs.

Both are of balanced accuracy on the real test images. The tests that decide them are the two of a
run that count; every other comparison is exploratory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection


@dataclasses.dataclass(frozen=True)
class Estimand:
    """A difference between two arms.

    Attributes:
      name: in files and tables.
      question: that it answers.
      first, second: names of arms. Of several, the one of the lowest validation loss stands for
        all.
      by_margin: whether `config.evaluate.margin` is allowed for: the first may be worse by that
        much (non-inferiority); otherwise it must be better.
      says: what is subtracted from what.
    """

    name: str
    question: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    by_margin: bool
    says: str

    def limit(self, margin: float) -> float:
        """What the difference must lie above, share of 1."""
        return -margin if self.by_margin else 0.0


REPLACE = Estimand(
    "D1",
    "Can synthetic images stand in for the real ones?",
    ("synthetic",),
    ("real", "real_augmented"),
    True,
    "synthetic images alone, less the better of real images and real images with augmentation",
)
ADD = Estimand(
    "D2",
    "Do synthetic images add to the real ones?",
    ("mixed_1to1", "mixed_1to4"),
    ("real_augmented",),
    False,
    "the better mixture of real and synthetic images, less real images with augmentation",
)
ESTIMANDS = (REPLACE, ADD)


def declared(arms: Collection[str], margin: float) -> list[str]:
    """Returns a sentence for each estimand: what will be estimated, and what would decide it.

    Args:
      arms: that are trained.
      margin: `config.evaluate.margin`.
    """
    return [_sentence(estimand, arms, margin) for estimand in ESTIMANDS]


def _sentence(estimand: Estimand, arms: Collection[str], margin: float) -> str:
    start = f"{estimand.name}: {estimand.question}"
    sides = (estimand.first, estimand.second)
    lacking = " and ".join(" or ".join(side) for side in sides if not set(side) & set(arms))
    if lacking:
        return f"{start} Not estimated: config.classifier.arms lacks {lacking}."
    limit = 100 * estimand.limit(margin)
    wanted = f"{limit:g} points" if limit else "0"
    return (
        f"{start} Balanced accuracy on real test images of {estimand.says}; yes, if the lower 95 % "
        f"bound is above {wanted} (two tests per data set, Holm)."
    )
