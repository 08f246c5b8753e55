"""Names of folders that are no classes: parts of a set, masks, copies, wrappers, the system's own.

Names are compared word by word, not letter by letter: `Train_Data`, `trainA` and `TRAIN 2` all have
the word "train", and "testis" has none of these words.
"""

import functools
import itertools
import re

PART = "a part of a set"
MASKS = "masks or labels"
COPIES = "augmented copies"
WRAPPER = "a folder around images"
SYSTEM = "a folder of the system"

_SYSTEM = frozenset(
    (
        "__macosx", "$recycle.bin", "recycler", "lost+found", "system volume information",
        "#recycle", "#snapshot", "~snapshot", ".snapshot", ".thumbnails", "thumbnails", "thumbs",
        "__pycache__", "ipynb_checkpoints",
    )
)  # fmt: skip
_TRAIN = frozenset(("train", "training", "trn"))
_TEST = frozenset(("test", "testing", "tst", "holdout"))
_VAL = frozenset(("val", "valid", "validation", "validate", "eval", "evaluation"))
_PARTS = _TRAIN | _TEST | _VAL
# These words name a part only where a number or a letter follows: fold1, part_2, split A.
_NUMBERED = frozenset(("part", "fold", "split", "batch", "chunk", "subset"))
# These do only beside a word for images or labels, as in nnU-Net's imagesTr: alone they may be a
# class, such as TR for a tricuspid regurgitation.
_SHORT_PARTS = frozenset(("tr", "ts", "te"))
_MASKS = frozenset(
    (
        "mask", "masks", "label", "labels", "annotation", "annotations", "annot", "annots", "seg",
        "segs", "segmentation", "segmentations", "gt", "groundtruth", "groundtruths", "pred",
        "preds", "prediction", "predictions",
    )
)  # fmt: skip
_COPIES = frozenset(("augmented", "augmentation", "augmentations", "aug"))
_WRAPPERS = frozenset(
    ("images", "image", "img", "imgs", "data", "dataset", "datasets", "set", "pictures", "pics")
)
# with_mask and no_augmentation say what the images themselves show.
_OF_THE_IMAGE = frozenset(("with", "without", "no", "non", "not", "has"))
# A word of a part that is written together with what it is a part of: traindata, testset.
_TOGETHER = re.compile(
    r"(train|training|test|testing|val|valid|validation)(set|data|dataset|images?|imgs?)"
)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@functools.lru_cache(maxsize=4096)
def kind_of(name: str) -> str | None:
    """Says what a folder of this name holds, if not the images of one class.

    Returns:
      PART, MASKS, COPIES, WRAPPER or SYSTEM; None for any other name.
    """
    if name.startswith("@") or name.lower() in _SYSTEM:  # @eaDir, @Recycle, @__thumb of a NAS
        return SYSTEM
    words = _words(name)
    if _has_part(words):
        return PART
    if _ends_as_masks(words):
        return MASKS
    if _says(words, _COPIES):
        return COPIES
    named = [word for word in words if not word.isdecimal()]
    if named and set(named) <= _WRAPPERS:
        return WRAPPER
    return None


def is_system(name: str) -> bool:
    """Whether a folder of this name is never one of images, wherever it lies."""
    return kind_of(name) == SYSTEM


def order_of_part(name: str) -> tuple[int, str]:
    """Sorts parts as people name them: train, test, val, then the others by name."""
    words = {_TOGETHER.sub(r"\1", word) for word in _words(name)}
    for place, part in enumerate((_TRAIN, _TEST, _VAL)):
        if words & part:
            return place, name
    return 3, name


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_NEXT_WORD.sub(" ", name))]


def _has_part(words: list[str]) -> bool:
    if any(word in _PARTS or _TOGETHER.fullmatch(word) for word in words):
        return True
    if words and words[-1] in _SHORT_PARTS and set(words) & (_WRAPPERS | _MASKS):
        return not set(words) & _MASKS  # labelsTr is a folder of masks before all
    return any(
        word in _NUMBERED and (after.isdecimal() or len(after) == 1)
        for word, after in itertools.pairwise(words)
    )


def _ends_as_masks(words: list[str]) -> bool:
    """Whether the last word that says something is one for masks: lung_masks, labelsTr, gt_2."""
    words = [w for w in words if not (w.isdecimal() or w in _WRAPPERS or w in _SHORT_PARTS)]
    if words[-2:] == ["ground", "truth"]:
        return True
    return bool(words) and words[-1] in _MASKS and not set(words[:-1]) & _OF_THE_IMAGE


def _says(words: list[str], wanted: frozenset[str]) -> bool:
    return bool(set(words) & wanted) and not set(words) & _OF_THE_IMAGE
