"""The sections of the report, in their order, and where a stage's own section stands."""

from __future__ import annotations

MORE = "more"
# Anchor -> title.
TITLES = {
    "answer": "The answer",
    "flow": "Flow of images",
    "data": "The data",
    "samples": "Synthetic images",
    "training": "Training",
    "results": "Results on real test images",
    "arms": "Differences between arms",
    "scores": "Classes and calibration",
    "fidelity": "Likeness to real images",
    "audit": "Copies, membership, release",
    "explanations": "Explanations",
    MORE: "Further sections",
    "protocol": "How it was made",
    "run": "The run",
    "settings": "Settings",
}
# (folder of a stage, file) -> anchor; else by the folder alone; else MORE.
_FILES = {("audit", "section.json"): "fidelity"}
_FOLDERS = {"split": "data", "audit": "audit", "filtered": "audit", "evaluate": "scores"}


def place_of(folder: str, file: str) -> str:
    """Returns the anchor under which a stage's section stands.

    Args:
      folder: of the stage, such as "audit".
      file: name of the section's file.
    """
    return _FILES.get((folder, file), _FOLDERS.get(folder, MORE))
