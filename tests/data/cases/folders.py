"""Folders: which of them are classes, and what lies beside the images."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.data.cases.case import Case, Found
from tests.data.cases.drawing import CLASSES, classes, image, picture

SIX = {"benign": 6, "malignant": 6}
SCRIPTS = ("Müller & Söhne <b>x", "良性肿瘤", "ورم", "a,b=c", "$x_1$ % #")


def _deep(root: Path) -> None:
    classes(root, count=3)
    classes(root, names=[f"{name}/site 2/100 % (new)" for name in CLASSES], count=3, first=3)


def _scripts(root: Path) -> None:
    for label, name in enumerate(SCRIPTS):
        for i in range(3):
            file = f'Bild (ä) #{i} 100%\'s "x".png'
            image(root / name / file, picture(10 * label + i, spot=label > 1))


def _links(root: Path) -> None:
    classes(root / "archive")
    for name in CLASSES:
        (root / "set" / name).mkdir(parents=True)
        (root / "set" / name / "from_archive").symlink_to(root / "archive" / name)


def _zip(root: Path) -> None:
    (root / "images.zip").write_bytes(b"PK\3\4")


def _chest_xray(root: Path) -> None:
    """The layout of Kaggle's chest-xray-pneumonia: the parts twice, and a folder of macOS."""
    top = root / "chest_xray"
    for base in (top, top / "chest_xray"):
        for k, (part, count) in enumerate((("train", 4), ("test", 2), ("val", 1))):
            names = ("NORMAL", "PNEUMONIA")
            classes(base / part, names=names, count=count, first=10 * k, ending=".jpeg")
    (top / "__MACOSX" / "chest_xray").mkdir(parents=True)
    (top / "__MACOSX" / "chest_xray" / "._.DS_Store").write_bytes(b"\0\5\26\7")


def _parts(*names: str) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        for k, name in enumerate(names):
            classes(root / name, count=3, first=10 * k)

    return draw


def _named(*names: str) -> Callable[[Path], None]:
    def draw(root: Path) -> None:
        classes(root, names=names)

    return draw


def _nnunet(root: Path) -> None:
    classes(root, names=("imagesTr",))
    classes(root, lambda path, drawn: image(path, drawn > 0.8), names=("labelsTr",))


def _system_folders(root: Path) -> None:
    classes(root)
    classes(root, names=("@eaDir",), count=2, first=50)
    for name in ("$RECYCLE.BIN", "lost+found"):
        (root / name).mkdir()


def _locked(root: Path) -> None:
    _deep(root)
    (root / "malignant" / "site 2").chmod(0)


def _locked_file(root: Path) -> None:
    classes(root)
    (root / "malignant" / "03.png").chmod(0)


def _read_only(root: Path) -> None:
    classes(root)
    for folder in (root / "benign", root / "malignant", root):
        folder.chmod(0o555)


def _decomposed(root: Path) -> None:
    for label, name in enumerate(CLASSES):
        for i in range(6):
            file = unicodedata.normalize("NFD", f"Schädel {i}.png")
            image(root / name / file, picture(10 * label + i, spot=label > 0))


def _one_image(root: Path) -> None:
    classes(root, names=("benign",))
    image(root / "malignant" / "only.png", np.flip(picture(7, spot=True), 0))


FOLDERS = (
    Case("plain", "One folder per class; images may lie deeper", _deep, Found(SIX)),
    Case(
        "scripts",
        "Class names and file names with spaces, commas, `#`, `%`, `<`, in any script",
        _scripts,
        Found(dict.fromkeys(SCRIPTS, 3)),
    ),
    Case(
        "decomposed",
        "File names as macOS writes them (an umlaut in two characters)",
        _decomposed,
        Found(SIX),
    ),
    Case("links", "Links to folders", _links, Found(SIX), below="set"),
    Case("read_only", "A folder that can't be written", _read_only, Found(SIX)),
    Case(
        "wrapper",
        "A folder around the class folders",
        lambda root: classes(root / "my_set"),
        Found(SIX),
        how="the only folder is entered",
    ),
    Case(
        "chest_xray",
        "Kaggle's chest X-rays as unpacked: `train`, `test`, `val`, `__MACOSX`, and all of it "
        "again in `chest_xray`",
        _chest_xray,
        Found(
            {"NORMAL": 7, "PNEUMONIA": 7}, {"not in data.parts": 14, "a folder of the system": 1}
        ),
        refused=r"train, test, val|test, train, val",
        then={"data.parts": "train,test,val"},
    ),
    Case(
        "training_testing",
        "`Training` and `Testing`, each with the class folders",
        _parts("Training", "Testing"),
        Found(SIX),
        refused="Testing, Training .*this program divides them itself",
        then={"data.parts": "Training,Testing"},
    ),
    Case(
        "folds",
        "`fold1`, `fold2`, `fold3`, each with the class folders",
        _parts("fold1", "fold2", "fold3"),
        Found({"benign": 9, "malignant": 9}),
        refused="fold1, fold2, fold3",
        then={"data.parts": "fold1,fold2,fold3"},
    ),
    Case(
        "hospitals",
        "Folders of any name that all hold the same class folders",
        _parts("hospital_a", "hospital_b"),
        Found(SIX),
        refused="hospital_a, hospital_b all hold the same folders, benign, malignant",
        then={"data.parts": "hospital_a,hospital_b"},
    ),
    Case(
        "masks_as_class",
        "`benign`, `malignant` and a folder `masks`",
        _named("benign", "malignant", "masks"),
        Found(SIX, {"not among data.classes": 6}),
        refused="masks .by name masks or labels",
        then={"data.classes": "benign,malignant"},
    ),
    Case(
        "augmented",
        "`COVID`, `normal` and a folder `augmented`",
        _named("COVID", "normal", "augmented"),
        Found({"COVID": 6, "normal": 6}, {"not among data.classes": 6}),
        refused="augmented .by name augmented copies",
        then={"data.classes": "COVID,normal"},
    ),
    Case(
        "pred",
        "`yes`, `no` and `pred` (images to be predicted)",
        _named("yes", "no", "pred"),
        Found({"no": 6, "yes": 6}, {"not among data.classes": 6}),
        refused="pred",
        then={"data.classes": "no,yes"},
    ),
    Case(
        "nnunet",
        "`imagesTr` and `labelsTr`: no classes at all",
        _nnunet,
        refused="imagesTr.*labelsTr.*--config.data.table",
        how="give the labels in a table",
    ),
    Case(
        "with_mask",
        "Classes that are called `with_mask` and `without_mask`",
        _named("with_mask", "without_mask"),
        Found({"with_mask": 6, "without_mask": 6}),
    ),
    Case(
        "system_folders",
        "`@eaDir`, `$RECYCLE.BIN` or `lost+found` beside the class folders",
        _system_folders,
        Found(SIX, {"not among data.classes": 2}),
        refused="a folder of the system",
        then={"data.classes": "benign,malignant"},
    ),
    Case(
        "one_class",
        "Only one class, or the folder of one class as `data.dir`",
        _named("benign"),
        refused="at least two class folders",
        how="give the folder that holds the class folders",
    ),
    Case(
        "zip",
        "An archive that is not unpacked",
        _zip,
        refused="at least two class folders",
        how="unpack it",
    ),
    Case(
        "one_image",
        "A class of one image",
        _one_image,
        refused="no test image in class malignant: it needs more images",
        how="add images",
    ),
    Case(
        "locked",
        "A folder that this user may not list",
        _locked,
        refused="malignant/site 2 can't be listed",
        how="get the right to read it",
        not_as_root=True,
    ),
    Case(
        "locked_file",
        "A file that this user may not read",
        _locked_file,
        refused="malignant/03.png can't be read",
        how="get the right to read it, or remove it",
        not_as_root=True,
    ),
    Case(
        "workdir",
        "`--workdir` (or the cache) in the folder of the images",
        classes,
        refused="run1 lies in data.dir.* set --workdir to a folder outside",
        workdir="run1",
        how="name another folder",
    ),
)
