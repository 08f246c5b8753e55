import dataclasses

import numpy as np
import pytest

from synthmed_jax.data import inventory
from synthmed_jax.data.facts import UNREADABLE, GreyScale
from synthmed_jax.data.groups import Groups
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.results.inventory import ClassInventory, Inventory


@pytest.fixture
def take(make_facts, settings):
    """Takes the inventory of images with these labels and facts; keywords replace columns."""

    def make(
        labels,
        sources=None,
        left_out=(),
        grey_scales=(),
        groups=None,
        how=None,
        size=8,
        patients=None,
        **columns,
    ) -> Inventory:
        how = {"square": "pad", "channels": 1} | (how or {})
        sources = sources or [f"{'ab'[label]}/{i:02d}.png" for i, label in enumerate(labels)]
        images = ImageSet(
            np.empty((len(labels), size, size, how["channels"]), np.uint8),
            np.asarray(labels, np.int32),
            tuple(sources),
            ("a", "b"),
        )
        facts = make_facts(sources, **columns)
        return inventory.make_inventory(
            images, facts, left_out, grey_scales, groups, settings(**how), patients
        )

    return make


def test_every_number_of_a_class(take):
    found = take(
        [0, 0, 0, 0, 1, 1],
        sources=["a/1.tif", "a/1.tif", "a/2.png", "a/3.png", "b/1.png", "b/2.png"],
        groups=Groups(np.array([0, 0, 0, 1, 2, 3]), "(p.)", external=False),
        sha256=("x", "x", "y", "y", "u", "v"),
        formats=("TIFF 8-bit", "TIFF 8-bit", "PNG 8-bit", "PNG 8-bit", "JPEG 8-bit", "PNG 8-bit"),
        width=(8, 8, 8, 10, 20, 20),
        height=(8, 8, 8, 20, 20, 20),
        mean=(10.0, 20.0, 30.04, 200.0, 1.0, 2.0),
        darkest=(0, 0, 224, 223, 0, 225),
        brightest=(31, 32, 255, 255, 0, 255),
        coloured=(False, False, True, False, False, False),
    )
    assert found.classes == (
        ClassInventory(
            name="a",
            images=4,
            files=3,
            formats={"TIFF 8-bit": 2, "PNG 8-bit": 2},
            sizes={"8x8": 3, "10x20": 1},
            brightness=25.0,
            nearly_black=1,
            nearly_white=1,
            coloured=1,
            copies=1,
            groups=2,
            group_sizes=(1, 2, 3),
            border=0.0,
        ),
        ClassInventory(
            name="b",
            images=2,
            files=2,
            formats={"JPEG 8-bit": 1, "PNG 8-bit": 1},
            sizes={"20x20": 2},
            brightness=1.5,
            nearly_black=1,
            nearly_white=1,
            coloured=0,
            copies=0,
            groups=2,
            group_sizes=(1, 1, 1),
            border=0.0,
        ),
    )
    assert found.groups == "4 groups, 1 to 3 images each (median 1), by (p.)"


@pytest.mark.parametrize(
    ("patients", "files", "sentence", "warned"),
    [
        ([0, 0, 1, 2, 2, 2], None, "3 patients, 1 to 3 images each (median 2), by", True),
        ([0, 0, 1, -1, -1, -1], None, "2 patients, 1 to 2 images each (median 1.5), by", True),
        ([0, 1, 2, 3, 4, 5], None, "6 patients, 1 image each, by", False),
        ([7, 7, 7, 7, 7, 7], None, "1 patient, 6 images each, by", False),
        # The split keeps the images of one file together: here that is a patient.
        ([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], "2 patients, 3 images each, by", False),
        ([0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 2, 2], "2 patients, 2 to 4 images each (med", True),
    ],
)
def test_patients_that_the_split_does_not_heed(take, patients, files, sentence, warned):
    groups = None if files is None else Groups(np.array(files), "file", external=True)
    found = take([0, 0, 0, 1, 1, 1], groups=groups, patients=np.array(patients))
    assert found.patients.startswith(sentence)
    assert ("; 3 images without one" in found.patients) == (-1 in patients)
    assert ("tells nobody apart" in found.patients) == (set(patients) == {7})
    about = [text for text in found.warnings if "dicom:PatientID keeps them on one" in text]
    assert len(about) == warned


def test_patients_are_counted_in_each_class(take):
    found = take([0, 0, 0, 1, 1], patients=np.array([0, 0, 1, -1, -1]))
    assert [each.patients for each in found.classes] == [2, 0]
    assert [each.patient_sizes for each in found.classes] == [(1, 1, 2), ()]


def test_an_ordinary_folder_has_no_warnings(take):
    found = take([0, 0, 1, 1])
    assert (found.left_out, found.grey_scales, found.groups, found.warnings) == ((), (), "", ())
    assert [each.groups for each in found.classes] == [None, None]
    assert ([each.patients for each in found.classes], found.patients) == ([None, None], "")
    assert [each.group_sizes for each in found.classes] == [(), ()]


def test_what_is_left_out_is_counted_by_class_and_reason(take):
    notes = "no image by its ending (.txt)"
    left_out = [
        *(LeftOut(f"b/{i}.txt", "b", notes) for i in range(7)),
        *(LeftOut(f"a/{i:02d}.png", "a", UNREADABLE, f"cut off at {i}") for i in range(23)),
        LeftOut("c.txt", "", notes),
        LeftOut("a/x.txt", "a", notes),
    ]
    found = take([0, 1], left_out=left_out).left_out
    assert [(each.class_name, each.reason, each.count) for each in found] == [
        ("", notes, 1),
        ("a", notes, 1),
        ("a", UNREADABLE, 23),
        ("b", notes, 7),
    ]
    assert found[1].examples == ("a/x.txt",)
    # Files that can't be read are named, each with what is wrong with it.
    assert len(found[2].examples) == 20
    assert found[2].examples[0] == "a/00.png (cut off at 0)"
    assert found[3].examples == tuple(f"b/{i}.txt" for i in range(5))


def test_grey_scales_in_words(take):
    scale = GreyScale("16-bit", 0.0, 4095.0, "the values go from 3 to 4000")
    assert take([0, 1], grey_scales=[scale]).grey_scales == (
        "16-bit: 0 to 4095 become 0 to 255 (the values go from 3 to 4000)",
    )
    (own,) = take([0, 1], how={"window": "dicom"}).grey_scales
    assert "each file has its own window" in own


def test_how_many_images_of_stacks_are_used(take):
    assert take([0, 1]).stacks == ""
    files = ["a.tif", "a.tif", "b.tif", "c.png"]
    how = {"slices": "every:10"}
    assert take([0, 0, 1, 1], sources=files, frames=(20, 20, 5, 1), how=how).stacks == (
        "2 files hold 25 images, of which 3 are used, as config.data.slices=every:10 says"
    )


def warnings_of(found: Inventory, word: str) -> list[str]:
    return [text for text in found.warnings if word in text]


# Three of four images of class a are coloured, and so many of the four of b.
@pytest.mark.parametrize(("of_b", "warned"), [(1, True), (2, False), (3, False)])
def test_colour_that_tells_classes_apart(take, of_b, warned):
    coloured = (True, True, True, False, *(i < of_b for i in range(4)))
    found = take([0] * 4 + [1] * 4, how={"channels": 3}, coloured=coloured)
    warnings = warnings_of(found, "colour differs")
    assert len(warnings) == warned
    assert not warned or "a 75 %, b 25 % of the images are coloured" in warnings[0]


@pytest.mark.parametrize(
    ("coloured", "channels", "said"), [(5, 1, True), (4, 1, False), (8, 3, False)]
)
def test_colours_that_are_lost_are_said(take, coloured, channels, said):
    colours = tuple(i < coloured for i in (0, 2, 4, 6, 1, 3, 5, 7))
    found = take([0] * 4 + [1] * 4, how={"channels": channels}, coloured=colours)
    texts = warnings_of(found, "have colours, and are made grey: --config.data.channels=3")
    assert len(texts) == said


@pytest.mark.parametrize(
    ("square", "height", "warned"),
    # Of 100 pixels; pad makes black what is missing.
    [("pad", 74, True), ("pad", 75, False), ("crop", 20, False), ("stretch", 20, False)],
)
def test_black_borders_that_tell_classes_apart(take, square, height, warned):
    found = take(
        [0, 0, 1, 1], how={"square": square}, width=(100,) * 4, height=(100, 100, height, height)
    )
    warnings = warnings_of(found, "black borders differ")
    assert len(warnings) == warned
    assert not warned or "a 0 %, b 26 %" in warnings[0]


def test_formats_that_tell_classes_apart(take):
    formats = ("PNG 8-bit",) * 4 + ("PNG 8-bit",) * 2 + ("JPEG 8-bit",) * 2
    warnings = warnings_of(take([0] * 4 + [1] * 4, formats=formats), "formats differ")
    assert warnings == [
        "formats differ between classes: a 0 %, b 50 % of the images are JPEG 8-bit",
        "formats differ between classes: a 100 %, b 50 % of the images are PNG 8-bit",
    ]
    alike = ("PNG 8-bit", "JPEG 8-bit") * 4
    assert not warnings_of(take([0] * 4 + [1] * 4, formats=alike), "formats")


def test_small_images_are_named(take):
    few = take([0, 0, 1], size=64, width=(15, 16, 64), height=(64, 16, 64))
    (warning,) = warnings_of(few, "a side below a quarter")
    assert warning.startswith("1 images have a side below a quarter of data.image_size=64: ")
    assert warning.endswith("a/00.png (15x64)")
    many = take([0] * 6 + [1], size=64, width=(1,) * 7, height=(1,) * 7)
    assert warnings_of(many, "7 images have a side")[0].endswith("a/04.png (1x1) ...")


def test_groups_that_can_not_be_divided_are_warned_of(take):
    alone = Groups(np.arange(4), "(p.)", external=False)
    found = take([0, 0, 1, 1], groups=alone)
    assert warnings_of(found, "groups nothing: 4 groups of one image")
    assert found.groups == "4 groups, 1 image each, by (p.)"
    one = dataclasses.replace(alone, numbers=np.array([0, 0, 1, 2]))
    assert warnings_of(take([0, 0, 1, 1], groups=one), "into one group")
