"""The short words of the answer's cards: a table per verdict.

`{margin}` and `{detectable}` stand for numbers of the run.
"""

from __future__ import annotations

from synthmed_jax.report.card import Tone
from synthmed_jax.verdicts import AgainstFloors, Answer, Caveat, Control, Release, Shortcut

NOT_MEASURED = ("Not measured", Tone.MISSING)

REPLACES = {
    Answer.SHOWN: ("Yes, up to {margin}", Tone.YES),
    Answer.NOT_SHOWN: ("Not shown", Tone.OPEN),
    Answer.REFUTED: ("No, worse by over {margin}", Tone.NO),
    Answer.NOT_MEASURED: NOT_MEASURED,
}
ADDS = {
    Answer.SHOWN: ("Yes", Tone.YES),
    Answer.NOT_SHOWN: ("Not shown", Tone.OPEN),
    Answer.REFUTED: ("No, worse on these test images", Tone.NO),
    Answer.NOT_MEASURED: NOT_MEASURED,
}
# Found is an alarm; nothing found is no all-clear, so no verdict here is a YES.
RELEASES = {
    Release.COPIES_FOUND: ("Copies found", Tone.NO),
    Release.ATTACK_SUCCEEDS: ("An attack succeeds", Tone.NO),
    Release.NOT_FOUND: ("Nothing found at this power", Tone.OPEN),
    Release.NOTHING_CONCLUDED: ("Nothing concluded", Tone.OPEN),
}
AGAINST_FLOORS = {
    AgainstFloors.BETTER: ("Better than every simple means", Tone.YES),
    AgainstFloors.NOT_SHOWN: ("Not shown to be better", Tone.OPEN),
    AgainstFloors.WORSE: ("Worse than without a network", Tone.NO),
    AgainstFloors.NOT_MEASURED: NOT_MEASURED,
}
EDGES = {
    Shortcut.USED: ("The network uses it", Tone.NO),
    Shortcut.POSSIBLE: ("It tells classes apart; use not shown", Tone.OPEN),
    Shortcut.NONE_VISIBLE: ("No shortcut visible", Tone.OPEN),
    Shortcut.NOT_MEASURED: NOT_MEASURED,
}
CONTROLS = {
    Control.AT_CHANCE: ("Not shown to leave chance", Tone.OPEN),
    Control.ABOVE: ("No: above chance", Tone.NO),
    Control.BELOW: ("Below chance", Tone.OPEN),
    Control.TOO_FEW: ("Too few trainings to tell", Tone.OPEN),
}

_OTHERS = "Another seed, another split, or images of another hospital: this is one generator."
REPLACE_CHANGES = {
    Answer.SHOWN: _OTHERS,
    Answer.NOT_SHOWN: (
        "More test images (here, a true difference under {detectable} often goes unnoticed), or "
        "better synthetic images."
    ),
    Answer.REFUTED: (
        "Better synthetic images: more training steps (config.diffusion.train.steps), more images "
        "(config.generate.per_class). More test images alone hardly would."
    ),
    Answer.NOT_MEASURED: (
        "An evaluation of both arms, synthetic and real or real_augmented (config.classifier.arms)."
    ),
}
ADD_CHANGES = {
    Answer.SHOWN: _OTHERS,
    Answer.NOT_SHOWN: (
        "More test images (here, a true difference under {detectable} often goes unnoticed), "
        "better synthetic images, or another mixture (config.classifier.arms)."
    ),
    Answer.REFUTED: "Better synthetic images, or another mixture (config.classifier.arms).",
    Answer.NOT_MEASURED: (
        "Arms of both kinds: real_augmented, and mixed_1to1 or mixed_1to4 (config.classifier.arms)."
    ),
}
FLOOR_CHANGES = {
    AgainstFloors.BETTER: (
        "Images from elsewhere (config.evaluate.external_dir), where other cues tell the classes."
    ),
    AgainstFloors.NOT_SHOWN: (
        "More test images, or a network that is trained longer; on images that a simple means "
        "tells apart as well, networks can't show what they are worth."
    ),
    AgainstFloors.WORSE: (
        "A network that is trained longer or on more images; until then it has shown nothing that "
        "needed a network."
    ),
    AgainstFloors.NOT_MEASURED: "The stage evaluate, which trains the forests in seconds.",
}
CONTROL_CHANGES = {
    Control.AT_CHANCE: "More trainings of it (config.classifier.seeds) would narrow the interval.",
    Control.ABOVE: "Finding how the labels reach the test: look for that before all else.",
    Control.BELOW: "More trainings of it (config.classifier.seeds).",
    Control.TOO_FEW: "More trainings of it (config.classifier.seeds).",
}
NO_CONTROL = "The arm synthetic_shuffled (config.classifier.arms)."
NO_AUDIT = "The stage audit (--stages=audit), which looks for copies and attacks the generator."

# Caveat -> the end of "Do not conclude ..."
LIMITS = {
    Caveat.TRIAL: "anything from these numbers and verdicts",
    Caveat.SMALL_CLASSES: "anything of variety or copying in classes of few images",
    Caveat.SPLIT_BY_IMAGE: "how well it works for new patients",
    Caveat.SPLIT_BY_LIKENESS: "how well it works for new patients",
    Caveat.NEAR_UNSEARCHED: "that no test image is nearly the same as a fit image",
    Caveat.KNOWN_IMAGES: "that all test images are new",
    Caveat.NO_VAL_IMAGES: "that choices were checked before the test",
    Caveat.UNREADABLE_FILES: "that all files took part",
    Caveat.FOLDS: "that the images alone tell the arms apart",
    Caveat.ONE_GENERATOR: "that another generator would come out the same",
    Caveat.RESEARCH_SOFTWARE: "anything for clinical use",
}
# Verdicts that are easily taken for more than they say: verdict -> (short, sentence).
NO_PROOFS = {
    Answer.NOT_SHOWN: (
        "that there is no difference where none was shown",
        '"Not shown" is no proof of the opposite: too few test images or trainings look the same.',
    ),
    Release.NOT_FOUND: (
        "that a release is safe",
        "No verdict says that a release is safe: nothing was found by these means, at this power.",
    ),
}
