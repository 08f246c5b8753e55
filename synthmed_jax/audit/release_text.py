"""The verdict on what may be released in words, for the report, with the threat model before it."""

from __future__ import annotations

from synthmed_jax.results.membership import FILTERED_ONLY, IMAGES_AND_WEIGHTS, IMAGES_ONLY
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.results.release import Release
from synthmed_jax.results.section import Row, Section, Table

FILE = "section_release.json"
_TITLE = "Is it safe to share?"
_THREATS = (
    "Two kinds of release are judged. Whoever is given the synthetic images alone can look for "
    "copies of training images among them, and can ask of a real image that they hold whether a "
    "synthetic one lies near it: the search for copies and the attack by nearness answer these "
    "two. Whoever is given the generator's weights too can also ask the generator how well it "
    "takes noise away from that image: the attack by denoising loss answers that, beside the other "
    "two. Both are taken to know the program and its settings. Bits per dimension, distances and "
    "the two-sample tests answer nobody who attacks."
)
_RULES = (
    "The rules: copies are called found by the test of the search; else an attack succeeds whose "
    "95 % interval of AUROC lies above 0.5, where scores that know nothing of the generator do not "
    "tell learned images from others; else, where each of these questions has an answer, nothing "
    "was found at this power; else nothing is concluded. By chance alone up to 1 % of honest "
    "runs are accused by the search, and up to 2.5 % by each attack. No verdict says that a "
    "release is safe."
)
_OF = {
    IMAGES_ONLY: "The images alone",
    IMAGES_AND_WEIGHTS: "Images and weights",
    FILTERED_ONLY: "The filtered images alone",
}


def to_section(found: AuditMemorisation) -> Section:
    """Returns the section; `found` has its verdicts on releases."""
    paragraphs = [
        f"{_OF[each.released]}: {each.verdict}. {' '.join(each.because)} What would change that: "
        f"{' '.join(each.would_change)} Not covered: {'; '.join(each.not_covered)}."
        for each in found.release
    ]
    return Section(_TITLE, (_THREATS, *paragraphs, _RULES), (_table(found.release),))


def _table(releases: tuple[Release, ...]) -> Table:
    questions = tuple(dict.fromkeys(name for each in releases for name in each.answers))
    rows = tuple(
        Row(
            each.released,
            (each.verdict, *(each.answers.get(name, "not possible") for name in questions)),
        )
        for each in releases
    )
    caption = (
        "What is released, the verdict on it, and the answers that the verdict follows from; "
        '"not possible": this attack needs what is not released.'
    )
    return Table(("verdict", *questions), rows, caption)
