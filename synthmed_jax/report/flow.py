"""The way of the images: from what was found through the split into the arms."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed_jax.arms import AUGMENTED
from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import DASH, short_name
from synthmed_jax.results.evaluation import CellScores
from synthmed_jax.results.section import Row, Table
from synthmed_jax.results.split import SplitEntry


def flow_tables(contents: Contents) -> list[Table]:
    """Returns the tables of groups, of what was left out, and of the arms; only what is known."""
    tables = [_found(contents), _groups(contents), _arms(contents)]
    return [table for table in tables if table is not None]


def _found(contents: Contents) -> Table | None:
    inventory = contents.inventory
    if inventory is None:
        return None
    rows = []
    for each in inventory.classes:
        left_out = sum(of.count for of in inventory.left_out if of.class_name == each.name)
        used = contents.counts[each.name].total if each.name in contents.counts else 0
        rows.append(Row(each.name, (str(each.files), str(left_out), str(each.images), str(used))))
    return Table(
        ("files", "files left out", "images in the files", "images used"),
        tuple(rows),
        "From the folder to the data set; why files were left out stands under the data.",
    )


def _groups(contents: Contents) -> Table | None:
    split = contents.split
    if not split.is_grouped:
        return None
    rows = [
        Row(
            name,
            (_count(split.fit, name), _count(split.val, name)),
        )
        for name in split.class_names
    ]
    what = f" ({split.grouped_by})" if split.grouped_by else ""
    return Table(
        ("groups in fit", "groups in val"),
        tuple(rows),
        f"Groups{what}, such as patients, of which no image lies in two parts. Those of the test "
        "part are withheld from the report.",
    )


def _count(entries: tuple[SplitEntry, ...], name: str) -> str:
    return str(len({entry.group for entry in entries if entry.label == name}))


def _arms(contents: Contents) -> Table | None:
    evaluation = contents.evaluation
    if evaluation is None:
        return None
    return Table(
        ("trainings", "images trained on", "images validated on", "tested on"),
        tuple(_arm(contents, cell, evaluation.num_test) for cell in evaluation.cells),
        "What each cell saw; ranges where trainings differ. All are tested on the same images. "
        "Flipped, shifted and warped as the generator's images: "
        f"{_augmented(contents, evaluation.cells)}.",
    )


def _augmented(contents: Contents, cells: Sequence[CellScores]) -> str:
    """Arms of the run whose images are augmented as the generator's are."""
    arms = dict.fromkeys(cell.arm for cell in cells)
    chosen = AUGMENTED[str(contents.setting("classifier.augmented", "real_augmented"))]
    return ", ".join(arm for arm in arms if arm in chosen) or "none"


def _arm(contents: Contents, cell: CellScores, num_test: int) -> Row:
    results = [fold.result for fold in contents.folds_of(cell) if fold.result is not None]
    trained = _range([result.num_train for result in results])
    validated = _range([result.num_val for result in results])
    return Row(short_name(cell.cell), (str(len(cell.folds)), trained, validated, str(num_test)))


def _range(sizes: list[int]) -> str:
    if not sizes:
        return DASH
    low, high = min(sizes), max(sizes)
    return str(low) if low == high else f"{low} to {high}"
