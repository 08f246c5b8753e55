"""Labels from a table: the class of every image that a row names."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from synthmed_jax import checks
from synthmed_jax.data import settings as data_settings
from synthmed_jax.data import table_columns, table_rows, tables
from synthmed_jax.data.counted import counted
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.sets import exclude, labels_columns, one_hot, usable_names
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
    columns = labels_columns.choose(table, names, settings.columns)
    if columns.one_hot:
        table = one_hot.add_labels(table, columns.one_hot)
    rows = table_rows.match_rows(table, columns.file, names)
    if not rows.of_image:
        raise UserError(
            f"no row of {path} names an image below {root}: in column "
            f"{table.columns[columns.file]} it has "
            f"{table_rows.examples(table, rows.of_none, columns.file)}; the images "
            f"are {some(images) or 'none'}"
        )
    labels = table_rows.values_of(table, rows, columns.label, "label")
    _say(table, columns, rows)
    left_out += [LeftOut(f, "", f"no row in {path.name}") for f in images if f not in labels]
    wanted = data_settings.names(settings.classes)
    labels, unwanted_labels = _only(labels, wanted)
    left_out += unwanted_labels
    _check_labels(table, labels)
    if not wanted:
        _check_single(table, labels)
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
    per_class = labels_columns.find_one_hot(table, files[0]) if len(files) == 1 else []
    if len(files) == 1 and (len(labels) == 1 or (not labels and per_class)):
        return flag("data.table", str(path))
    return f"{flag('data.table', str(path))} {labels_columns.columns_flag(table, files, labels)}"


def _find(given: str, root: Path) -> Path:
    """Looks for the table from the current folder, then below the data."""
    path = Path(given).expanduser()
    if path.exists() or path.is_absolute() or not (root / path).exists():
        return path
    return root / path


def _same(file: Path, path: Path) -> bool:
    return file.name == path.name and file.exists() and file.samefile(path)


def _count_hits(table: tables.Table, column: int, names: ImageNames) -> int:
    return sum(bool(cell and names.matches(cell)) for cell in set(table.cells(column)))


def _check_labels(table: tables.Table, labels: Mapping[str, str]) -> None:
    """Refuses labels that can't be the name of a class."""
    names = sorted(set(labels.values()))
    faults = {name: fault for name in names if (fault := usable_names.fault(name, "/\\"))}
    if faults:
        rest = [name for name in names if name not in faults]
        others = f", or take the others: {flag('data.classes', *rest)}" if len(rest) > 1 else ""
        name, fault = next(iter(faults.items()))
        raise UserError(
            f"{table.path}: the label {name!r} can't be the name of a class ({fault}): write it "
            f"otherwise{others}"
        )


def _check_single(table: tables.Table, labels: Mapping[str, str]) -> None:
    """Refuses labels that are several of the others, as Mass|Hernia: they are no class beside them.

    An image of both would be one of neither, and a network can't be right about it.
    """
    names = set(labels.values())
    several = sorted(n for n in names if "|" in n and names.intersection(n.split("|")))
    single = sorted(name for name in names if "|" not in name)
    if not several or len(single) < 2:
        return
    count = sum("|" in name for name in labels.values())
    raise UserError(
        f"{table.path}: {counted(len(several), 'label')} of several findings, as {several[0]}, and "
        f"an image has one class here: {flag('data.classes', *single)} takes the images of one "
        f"finding and leaves out {counted(count, 'image')}. Name those of several as well if they "
        "are classes of their own"
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


def _say(table: tables.Table, columns: labels_columns.Columns, rows: table_rows.Rows) -> None:
    chosen = [
        f"{role}={table.columns[column]}{' (the one with a 1)' if several else ''}"
        for role in labels_columns.ROLES
        if (column := getattr(columns, role)) is not None
        for several in [role == "label" and columns.one_hot]
    ]
    print(f"{table.path}: columns {', '.join(chosen)}", flush=True)
    if rows.of_none:
        print(
            f"{table.path}: no image for {counted(len(rows.of_none), 'row')}: "
            f"{table_rows.examples(table, rows.of_none, columns.file)}",
            flush=True,
        )
