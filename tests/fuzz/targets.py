"""What is fuzzed: every reader of files that users, other programs or broken disks may change."""

from __future__ import annotations

import importlib
import math
import pathlib
import pkgutil

import numpy as np

from synthmed_jax import files, metrics_log, results
from synthmed_jax.classifiers.weights import torchvision
from synthmed_jax.classifiers.weights.weights_file import read_state_dict
from synthmed_jax.data import decode, formats, grey_scale, manifest, stacks, table_rows, tables
from synthmed_jax.data.formats import dicom
from synthmed_jax.data.formats.opened import EIGHT_BITS, DecodeError, Opened
from synthmed_jax.data.image_names import ImageNames
from synthmed_jax.data.sets import labels_columns, one_hot
from synthmed_jax.errors import UserError
from synthmed_jax.results.stored import Stored
from tests.data.written_set import write_manifest
from tests.fuzz import image_seeds, text_seeds
from tests.fuzz.engine import Seed, Target

MAX_PIXELS = 100_000
_FRAMES = 3  # read of one file
_FIELD = "config.data.table"
for _module in pkgutil.iter_modules(results.__path__, "synthmed_jax.results."):
    importlib.import_module(_module.name)
_KINDS = {kind.__name__: kind for kind in Stored.__subclasses__()}
_NAMES = ImageNames(text_seeds.IMAGES)


def read_image(given: Seed, _: pathlib.Path) -> None:
    """Reads images of a file as decoding does, to what the generator gets."""
    axis = len(given.content) % 4
    opened = formats.open_image(given.content, given.name, MAX_PIXELS, None if axis == 3 else axis)
    assert opened.num_frames >= 1
    assert min(opened.size) >= 1
    chosen = stacks.choose(opened.num_frames, "all")
    for frame in dict.fromkeys((*chosen[:_FRAMES], chosen[-1])):
        image = _read(opened, frame, 1 + 2 * (frame % 2))
        assert opened.is_coloured(frame) in (False, True)
        if opened.kind != EIGHT_BITS:
            histogram = grey_scale.Histogram()
            histogram.add(image)
            window = grey_scale.decide(opened.kind, histogram)
            image = grey_scale.to_eight_bits(image, window, opened.kind.inverted)[:, :, None]
        square = decode.fit_image(np.ascontiguousarray(image), 8, "stretch")
        assert square.dtype == np.uint8
        assert square.shape[:2] == (8, 8)
    if opened.format == "DICOM":
        assert isinstance(dicom.read_tag(given.content, "PatientID"), str)


def _read(opened: Opened, frame: int, channels: int) -> np.ndarray:
    """One image, after a look whether it is what `Opened.read` promises."""
    image = opened.read(frame, channels)
    assert image.shape[0] * image.shape[1] <= 2 * MAX_PIXELS
    if opened.kind == EIGHT_BITS:
        assert image.dtype == np.uint8
        assert image.shape[2:] == (channels,)
    else:
        assert image.ndim == 2
        assert image.dtype.kind in "uif"
        assert np.isfinite(image).all()
    return image


def read_weights(given: Seed, folder: pathlib.Path) -> None:
    """Reads a state dict, and looks for its head."""
    path = folder / ("weights" + pathlib.Path(given.name).suffix)
    path.write_bytes(given.content)
    arrays = read_state_dict(path)
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    # Views may share what is stored; each is no larger than that.
    assert all(array.nbytes <= len(given.content) for array in arrays.values())
    assert (torchvision.count_classes("resnet18", arrays) or 0) >= 0


def read_manifest(given: Seed, folder: pathlib.Path) -> None:
    """Reads a manifest; some are written anew."""
    path = folder / "manifest.csv"
    path.write_bytes(given.content)
    if len(given.content) % 8 == 0:
        write_manifest(folder, text_seeds.ROWS)
        assert manifest.read_manifest(folder) == list(text_seeds.ROWS)
        path.write_bytes(given.content)
    for row in manifest.read_manifest(folder):
        flat = f"{row.class_name}/{row.index:05d}.png"  # as earlier versions had all
        assert row.path in (manifest.path_of(row.class_name, row.index), flat)
        texts = (row.class_name, row.sampler, row.checkpoint, row.sha256, row.made_by)
        assert all(isinstance(text, str) for text in texts)


def read_table(given: Seed, folder: pathlib.Path) -> None:
    """Reads a table of labels as the data set does."""
    path = folder / given.name
    path.write_bytes(given.content)
    table = tables.read_table(path, _FIELD)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert list(table.lines) == sorted(set(table.lines))
    told = {1: "file=image_id,label=dx", 2: "label=MEL,label=NV"}.get(len(given.content) % 8, "")
    columns = labels_columns.choose(table, _NAMES, told)
    if columns.one_hot:
        table = one_hot.add_labels(table, columns.one_hot)
    rows = table_rows.match_rows(table, columns.file, _NAMES)
    labels = table_rows.values_of(table, rows, columns.label, "label")
    assert set(labels) <= set(text_seeds.IMAGES)
    assert all(labels.values())
    if columns.patient is not None:
        table_rows.values_of(table, rows, columns.patient, "patient")


def read_document(given: Seed, folder: pathlib.Path) -> None:
    """Reads a result, whose kind is the file's name, and writes it again."""
    path = folder / "result.json"
    path.write_bytes(given.content)
    kind = _KINDS[given.name.removesuffix(".json")]
    read = kind.read(path)
    assert isinstance(read, kind)
    assert isinstance(hash(str(read)), int)


def read_log(given: Seed, folder: pathlib.Path) -> None:
    """Reads the log of a training, all and up to a step."""
    path = folder / "metrics.jsonl"
    path.write_bytes(given.content)
    records = metrics_log.read_metrics(path)
    assert all(isinstance(record, dict) for record in records)
    assert len(metrics_log.records_until(path, "step", 2)) <= len(records)


def read_array(given: Seed, folder: pathlib.Path) -> None:
    """Reads an array; one with a seal is as it was written."""
    path = folder / "x.npy"
    path.write_bytes(given.content)
    array, made_of = files.read_array(path)
    assert isinstance(array, np.ndarray)
    assert math.prod(array.shape) * array.itemsize <= len(given.content)
    assert made_of is None or isinstance(made_of, str)


_DECODE = (DecodeError, UserError)
TARGETS = {
    "images": Target(image_seeds.images, read_image, _DECODE),
    "weights": Target(text_seeds.weights, read_weights, (UserError,)),
    "manifest": Target(text_seeds.manifests, read_manifest, (UserError,)),
    "tables": Target(text_seeds.tables, read_table, (UserError,)),
    "results": Target(text_seeds.documents, read_document, (UserError,)),
    "metrics": Target(text_seeds.logs, read_log, (UserError,)),
    "arrays": Target(text_seeds.sealed_arrays, read_array, (UserError,)),
}
