"""Sentences about what a reader of the results must know of the run that they are from."""

from __future__ import annotations

from synthmed_jax.report.conclusions import Conclusions
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import n_is
from synthmed_jax.verdicts import Caveat

SENTENCES = {
    Caveat.TRIAL: (
        "This is a trial run (scale smoke), which shows only that everything runs: generator and "
        "networks learn for a few steps on tiny images, so no number or verdict of it says "
        "anything about the data. The scales cpu and paper give answers."
    ),
    Caveat.SMALL_CLASSES: (
        "Warning: under {few:g} fit images in {classes}. With so few, nothing can be concluded "
        "about the generator's variety or about copying in these classes."
    ),
    Caveat.SPLIT_BY_IMAGE: (
        "The split is by image: images of one patient, or neighbouring "
        "slices of one scan, can lie in both the fit and the test part. Both arms' accuracies may "
        "then be too high for new patients."
    ),
    Caveat.SPLIT_BY_LIKENESS: (
        "The split keeps near-duplicates on one side and knows no patients: images of one patient "
        "that do not look alike can lie in both the fit and the test part. Both arms' accuracies "
        "may then be too high for new patients."
    ),
    Caveat.NEAR_UNSEARCHED: (
        "Near-duplicates among the real images were not looked for (split.look_for=twins, or "
        "images of few pixels): wherever they are spoken of, images of equal pixels are meant."
    ),
    Caveat.KNOWN_IMAGES: (
        "{known} of {tested} test images equal a fit or val image: they are no test of what was "
        "learned, and the accuracies below hold them."
    ),
    Caveat.NO_VAL_IMAGES: (
        "The val part is empty (the paper's literal protocol): no choice was checked on real "
        "images before the test."
    ),
    Caveat.UNREADABLE_FILES: "Files left out as unreadable: {unreadable}.",
    Caveat.FOLDS: (
        "The arms are cross-validated: each training leaves out a fold of its arm's images, which "
        "the generator learned from all the same, and a smaller training set is passed over in "
        "fewer steps. The arms' budgets differ, so what tells them apart is not the images alone."
    ),
    Caveat.ONE_GENERATOR: (
        "Spread over trainings is the spread of the classifier alone. It holds one generator, one "
        "synthetic set and one split; another seed of those may differ more."
    ),
    Caveat.RESEARCH_SOFTWARE: ("Research software: nothing here is evidence for clinical use."),
}


def sentences(contents: Contents, conclusions: Conclusions) -> list[str]:
    """Returns the warnings and caveats that this run needs."""
    leakage = contents.leakage
    small = conclusions.small_classes
    classes = ", ".join(f"{name} ({n_is(n)})" for name, n in small.classes.items())
    return [
        SENTENCES[caveat].format(
            few=small.fewer_than.value,
            classes=classes,
            unreadable=n_is(len(contents.split.unreadable)),
            known=0 if leakage is None else leakage.twins_held_out,
            tested=0 if leakage is None else leakage.num_held_out,
        )
        for caveat in conclusions.caveats
    ]
