"""The verdict on what may be released, a part of audit/memorisation.json."""

from __future__ import annotations

import dataclasses

COPIES = "copies"


@dataclasses.dataclass(frozen=True)
class Release:
    """The verdict on one kind of release.

    Attributes:
      released: what an attacker is given: membership.IMAGES_ONLY, IMAGES_AND_WEIGHTS or
        FILTERED_ONLY.
      verdict: one of verdicts.Release.
      answers: COPIES -> one of verdicts.Copies, and the name of each attack that is possible with
        what is released -> one of verdicts.Membership.
      because: sentences, the numbers that the verdict follows from.
      would_change: sentences, what would lead to another verdict.
      not_covered: what the verdict says nothing of.
    """

    released: str
    verdict: str
    answers: dict[str, str]
    because: tuple[str, ...]
    would_change: tuple[str, ...]
    not_covered: tuple[str, ...]
