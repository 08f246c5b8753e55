"""Folders as people have them, from the settings to the pixels and the split."""

import os
import re

import numpy as np
import pytest

from synthmed_jax import places
from synthmed_jax.data import held_out, loading, sets
from synthmed_jax.data.settings import SplitSettings
from synthmed_jax.errors import UserError
from tests.data.cases import table
from tests.data.cases.case import BRIGHTEST, DARKEST
from tests.data.cases.drawing import SIDE

SPLIT = {"fraction": 0.2, "val_fraction": 0.1, "counts": "", "group_by": "none", "seed": 0}


@pytest.fixture
def open_case(settings, tmp_path):
    """Draws a case and opens it as a run does: (data settings, data set, split settings)."""

    def open_it(case, flags):
        root = tmp_path / "images"
        if not root.exists():
            root.mkdir()
            case.draw(root)
        blocks = {"data": {}, "split": dict(SPLIT)}
        for name, value in flags.items():
            block, field = name.split(".")
            blocks[block][field] = value
        folder = root / case.below
        data = settings(dir=str(folder), image_size=SIDE, channels=1, **blocks["data"])
        split = SplitSettings(**blocks["split"])
        sets.check_settings(data)
        places.prepare(data, folder / case.workdir if case.workdir else tmp_path / "run")
        opened = held_out.open_data_set(data)
        held_out.plan_split(opened, split)
        return data, opened, split

    return open_it


@pytest.mark.parametrize("case", table.CASES, ids=lambda case: case.name)
def test_becomes_what_the_table_says(case, open_case, tmp_path):
    if case.not_as_root and _may_read_everything(tmp_path):
        pytest.skip("this user may read everything")
    flags = dict(case.flags)
    if case.refused:
        with pytest.raises(UserError) as caught:
            open_case(case, flags)
        message = str(caught.value)
        assert re.search(case.refused, message, re.DOTALL), message
        for name in case.then:
            assert name in message, f"{name} is not in the message: {message}"
        flags |= case.then
    if case.found is None:
        return
    data, opened, split = open_case(case, flags)
    loaded = loading.load_images(data)
    images = loaded.images
    counts = np.bincount(images.labels, minlength=len(images.class_names))
    assert dict(zip(images.class_names, counts.tolist(), strict=True)) == case.found.counts
    reasons = [left_out.reason for left_out in loaded.left_out]
    assert {reason: reasons.count(reason) for reason in reasons} == case.found.left_out
    _check_greys(case.found.greys, images)
    inventory = held_out.take_inventory(opened, data, split)
    assert inventory.groups.startswith(case.found.groups)
    assert inventory.patients == case.found.patients
    warnings = "\n".join(inventory.warnings)
    assert re.search(case.found.warning, warnings) if case.found.warning else not warnings, warnings


def _may_read_everything(folder):
    locked = folder / "locked"
    locked.mkdir(mode=0)
    return os.access(locked, os.R_OK)


def _case(name):
    return next(case for case in table.CASES if case.name == name)


def _check_greys(greys, images):
    for grey in greys:
        files = [grey.file] if grey.file else images.files
        for file in files:
            pixels = np.asarray(images.images[images.files.index(file)])
            if grey.at in (BRIGHTEST, DARKEST):
                level = pixels.max() if grey.at == BRIGHTEST else pixels.min()
            else:
                level = pixels[*grey.at, 0]
            assert abs(int(level) - grey.level) <= grey.tolerance, f"{file}, {grey.what}: {level}"


def test_a_stack_stays_on_one_side(open_case):
    case = _case("gif_frames")
    _, opened, split = open_case(
        case, {"data.slices": "all", "split.fraction": 0.6, "split.val_fraction": 0.4}
    )
    planned = held_out.plan_split(opened, split)
    sides = [
        {file.partition("#")[0] for file in part.files}
        for part in (planned.parts.fit, planned.parts.val)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    # Whole files of six frames: none of them has frames among the test images.
    assert len(planned.parts.fit) + len(planned.parts.val) == 6 * len(sides[0] | sides[1])


@pytest.mark.parametrize("name", ["dicom_patients", "dicom_patients_unheeded"])
def test_no_patient_of_dicom_files_is_written(name, open_case, tmp_path):
    case = _case(name)
    data, opened, split = open_case(case, case.flags)
    written = tmp_path / "written"
    held_out.write_split(written / "split.json", opened, split)
    held_out.take_inventory(opened, data, split).write(written / "inventory.json")
    held_out.draw_contact_sheets(opened, written)
    files = [file for file in written.rglob("*") if file.is_file()]
    files += (data.cache / "arrays").iterdir()
    # The two, a picture and a list per class, the array, its listing and the rows of that, and what
    # is alike in it.
    assert len(files) == 10
    for file in files:
        assert b"Nobody" not in file.read_bytes()
        assert b"ID-" not in file.read_bytes()


def test_every_refusal_has_a_way_on():
    ends = [case.name for case in table.CASES if case.refused and not case.then and not case.how]
    assert ends == []


def test_names_of_cases_are_distinct():
    names = [case.name for case in table.CASES]
    assert len(set(names)) == len(names)


def test_the_document_has_this_table():
    document = table.DOCUMENT.read_text(encoding="utf-8")
    assert table.BEGIN in document
    assert table.END in document
    assert document == table.filled(document), f"docs/data.md is out of date: {table.COMMAND}"
