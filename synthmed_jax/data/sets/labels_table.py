"""Labels from a table: which column says what, and the class of every image that a row names."""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from synthmed_jax import checks
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data import table_columns, table_rows, tables
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.sets import exclude
from synthmed_jax.data.sets.flags import flag, some
from synthmed_jax.data.sets.listing import (
    ImageFile,
    LeftOut,
    Listed,
    list_loose_files,
    sort_out,
    walk_files,
)
from synthmed_jax.errors import UserError

FIELD = "config.data.table"
ROLES = ("file", "label", "patient")
_LONGEST_NAME = 255  # of a file or a folder, bytes, in all usual file systems


@dataclasses.dataclass(frozen=True)
class Columns:
    """The numbers of a table's columns; `patient` is None where the table has no patients."""

    file: int
    label: int
    patient: int | None


def list_labelled(settings: data_settings.DataSettings) -> Listed:
    """Finds every image below `settings.dir` that a row of `settings.table` names, at any depth.

    Raises:
      UserError: the table can't be read or understood, names no image, leaves a label empty or
        gives one image two; or there are fewer than two classes.
    """
    root = Path(settings.dir).expanduser()
    path = _find(settings.table, root)
    table = tables.read_table(path, FIELD)
    files = [file for file in walk_files(root) if not _same(root / file, path)]
    unwanted = exclude.matched(files, data_settings.names(settings.exclude))
    images, left_out = sort_out(root, "", (f for f in files if f not in unwanted), "")
    left_out += [LeftOut(file, "", exclude.REASON) for file in sorted(unwanted)]
    names = ImageNames(images)
    columns = choose_columns(table, names, settings.columns)
    rows = table_rows.match_rows(table, columns.file, names)
    if not rows.of_image:
        raise UserError(
            f"no row of {path} names an image below {root}: in column "
            f"{table.columns[columns.file]} it has "
            f"{table_rows.examples(table, rows.of_none, columns.file) or 'no rows'}; the images "
            f"are {some(images) or 'none'}"
        )
    labels = table_rows.values_of(table, rows, columns.label, "label")
    _check_labels(table, labels)
    _say(table, columns, rows)
    left_out += [LeftOut(f, "", f"no row in {path.name}") for f in images if f not in labels]
    labels, unwanted_labels = _only(labels, data_settings.names(settings.classes))
    left_out += unwanted_labels
    class_names = tuple(sorted(set(labels.values())))
    if len(class_names) < 2:
        raise UserError(
            f"{path}: at least two classes are needed; column {table.columns[columns.label]} has "
            f"only {', '.join(class_names)} for the images below {root}"
            + (", with data.classes as it is" if settings.classes else "")
        )
    number = {name: label for label, name in enumerate(class_names)}
    patients = None
    if columns.patient is not None:
        patients = table_rows.values_of(table, rows, columns.patient, "patient")
        patients = {file: patients[file] for file in labels}
    return Listed(
        root,
        class_names,
        sorted(ImageFile(file, number[name]) for file, name in labels.items()),
        left_out,
        patients,
        labels_in_key=True,
    )


def choose_columns(table: tables.Table, names: ImageNames, told: str) -> Columns:
    """Chooses the columns of file, label and patient; see table_columns.py for the headings.

    Args:
      told: `data.columns`: "" or those that the user names, "file=image_id,label=dx".

    Raises:
      UserError: with the table's columns and the flag, where a column is not to be told.
    """
    columns = _told(table, told)
    files = [columns["file"]] if "file" in columns else table_columns.find_file_column(table, names)
    labels = [columns["label"]] if "label" in columns else table_columns.find_label_columns(table)
    labels = [label for label in labels if [label] != files]
    if len(files) != 1 or len(labels) != 1:
        raise UserError(_unclear(table, files, labels))
    patient = columns.get("patient")
    if patient is None:
        patient = table_columns.find_patient_column(table, files[0])
    return Columns(files[0], labels[0], None if patient == labels[0] else patient)


def propose(folders: Iterable[Path], root: Path) -> str | None:
    """Looks for a table of labels that lies in one of the folders and names images below `root`.

    Returns:
      The flags that use it, as --config.data.table=labels.csv; None: there is none.
    """
    paths = [
        folder / name
        for folder in dict.fromkeys(folders)
        for name in list_loose_files(folder)
        if name.lower().endswith((".csv", ".tsv"))
    ]
    if not paths:
        return None
    names = ImageNames(sort_out(root, "", walk_files(root), "")[0])
    found = []
    for path in paths:
        with contextlib.suppress(UserError):  # a table that can't be read is none of labels
            table = tables.read_table(path, FIELD)
            files = table_columns.find_file_column(table, names)
            hits = max((_count_hits(table, column, names) for column in files), default=0)
            if hits:
                found.append((hits, path, table, files, table_columns.find_label_columns(table)))
    if not found:
        return None
    _, path, table, files, labels = max(found, key=lambda entry: entry[0])
    if len(files) == 1 and len(labels) == 1:
        return flag("data.table", str(path))
    return f"{flag('data.table', str(path))} {_columns_flag(table, files, labels)}"


def _find(given: str, root: Path) -> Path:
    """Looks for the table from the current folder, then below the data."""
    path = Path(given).expanduser()
    if path.exists() or path.is_absolute() or not (root / path).exists():
        return path
    return root / path


def _same(file: Path, path: Path) -> bool:
    return file.name == path.name and file.exists() and file.samefile(path)


def _told(table: tables.Table, told: str) -> dict[str, int]:
    columns = {}
    for item in data_settings.names(told):
        role, _, name = (text.strip() for text in item.partition("="))
        if role not in ROLES or not name:
            raise UserError(
                f"config.data.columns: {item!r} must be file=..., label=... or patient=..., with "
                f"a column of {table.path}: {', '.join(table.columns)}"
            )
        column = table_columns.column_called(table, name)
        if column is None:
            checks.one_of("config.data.columns", name, table.columns)
        elif role in columns or column in columns.values():
            raise UserError(
                f"config.data.columns={told!r} names {'the ' + role if role in columns else name} "
                "twice: the columns of file, label and patient are different ones"
            )
        else:
            columns[role] = column
    return columns


def _unclear(table: tables.Table, files: Sequence[int], labels: Sequence[int]) -> str:
    def fit(found: Sequence[int], what: str, where: str) -> str:
        names = ", ".join(table.columns[column] for column in found)
        return f"{names} may all be {what}" if found else f"no column {where}"

    unclear = []
    if len(files) != 1:
        unclear.append(fit(files, "the images' names", "has cells that fit the images' names"))
    if len(labels) != 1:
        unclear.append(fit(labels, "the label", "is called label or the like"))
    return (
        f"{table.path}: {' and '.join(unclear)}. Say which columns to use: "
        f"{_columns_flag(table, files, labels)}. The columns are: {table}"
    )


def _columns_flag(table: tables.Table, files: Sequence[int], labels: Sequence[int]) -> str:
    """Returns --config.data.columns='file=image_id,label=...', "..." where it is not known."""

    def known(found: Sequence[int]) -> str:
        return table.columns[found[0]] if len(found) == 1 else "..."

    text = flag("data.columns", f"file={known(files)}", f"label={known(labels)}")
    if len(labels) == 1:
        return text
    choices = [table.columns[i] for i in labels] or [
        name for i, name in enumerate(table.columns) if [i] != list(files)
    ]
    return f"{text} (label: one of {', '.join(choices)})"


def _count_hits(table: tables.Table, column: int, names: ImageNames) -> int:
    return sum(bool(cell and names.matches(cell)) for cell in set(table.cells(column)))


def _check_labels(table: tables.Table, labels: Mapping[str, str]) -> None:
    """Refuses labels that can't be the name of a folder: synthetic images are sorted by class."""
    wrong = sorted(
        name
        for name in set(labels.values())
        if "/" in name
        or "\\" in name
        or name in (".", "..")
        or not name.isprintable()
        or len(name.encode()) > _LONGEST_NAME
    )
    if wrong:
        raise UserError(
            f"{table.path}: the label {wrong[0]!r} can't be the name of a folder (no /, \\, line "
            f"breaks, . or .., and at most {_LONGEST_NAME} bytes): write it otherwise"
        )


def _only(labels: dict[str, str], wanted: Sequence[str]) -> tuple[dict[str, str], list[LeftOut]]:
    """Takes the images of the wanted classes; an empty `wanted` means all."""
    if not wanted:
        return labels, []
    for name in wanted:
        checks.one_of("config.data.classes", name, sorted(set(labels.values())))
    kept = {file: name for file, name in labels.items() if name in wanted}
    return kept, [
        LeftOut(file, "", "not among data.classes") for file in labels if file not in kept
    ]


def _say(table: tables.Table, columns: Columns, rows: table_rows.Rows) -> None:
    chosen = [
        f"{role}={table.columns[column]}"
        for role in ROLES
        if (column := getattr(columns, role)) is not None
    ]
    print(f"{table.path}: columns {', '.join(chosen)}", flush=True)
    if rows.of_none:
        print(
            f"{table.path}: {len(rows.of_none)} rows name no image: "
            f"{table_rows.examples(table, rows.of_none, columns.file)}",
            flush=True,
        )
