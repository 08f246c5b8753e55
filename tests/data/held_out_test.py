"""The door: what is written, who reads what, and that parts never meet."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from synthmed_jax.data import alike_text, held_out, near_duplicates
from synthmed_jax.data.facts import UNREADABLE, GreyScale
from synthmed_jax.data.grouping import assign_groups
from synthmed_jax.data.held_out import DataSet
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.loading import LoadedData
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.data.settings import SplitSettings
from synthmed_jax.errors import Damaged, UserError

BY_TENS = "([0-9]{3})[0-9]"  # of the file names: ten images in each group


def settings(**changes) -> SplitSettings:
    return dataclasses.replace(SplitSettings(0.2, 0.15, "", "none", 0), **changes)


def make_set(sizes: list[int]) -> ImageSet:
    names = tuple(f"class{label}" for label in range(len(sizes)))
    files = tuple(
        f"{n}/{i:04d}.png" for n, size in zip(names, sizes, strict=True) for i in range(size)
    )
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    pixels = np.arange(len(files), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return ImageSet(pixels, labels, files, names)


@pytest.fixture
def close(make_facts):
    """Closes images as a data set; keywords replace what else was loaded."""

    def make(images: ImageSet, **changes) -> DataSet:
        whole = LoadedData(
            images=images,
            data_hash="hash",
            facts=make_facts(images.files),
            left_out=(LeftOut("class0/bad.png", "class0", UNREADABLE, "cut off"),),
            grey_scales=(),
            patients=None,
            content_of=lambda file: pytest.fail(f"{file} is read"),
            read_digests=lambda: pytest.fail("all files are read"),
        )
        return DataSet(dataclasses.replace(whole, **changes))

    return make


@pytest.fixture
def images() -> ImageSet:
    return make_set([30, 20])


@pytest.mark.parametrize("group_by", ["none", BY_TENS])
def test_three_parts_are_the_whole_and_share_no_image(tmp_path, images, group_by, close):
    path, data = tmp_path / "split.json", close(images)
    held_out.write_split(path, data, settings(group_by=group_by))
    parts, test = held_out.read_parts(path, data), held_out.read_test(path, data)
    assert sorted(parts.fit.files + parts.val.files + test.files) == sorted(images.files)
    of_file = dict(zip(images.files, images.images.ravel(), strict=True))
    for part in (parts.fit, parts.val, test):
        assert [of_file[file] for file in part.files] == part.images.ravel().tolist()
        assert [f"class{label}" for label in part.labels] == [f[:6] for f in part.files]


def test_the_plan_is_what_will_be_written(tmp_path, images, close):
    path, data = tmp_path / "split.json", close(images)
    for group_by in ("none", BY_TENS):
        how = settings(group_by=group_by)
        planned = held_out.plan_split(data, how)
        held_out.write_split(path, data, how)
        parts = held_out.read_parts(path, data)
        assert planned.parts.fit.files == parts.fit.files
        assert planned.parts.val.files == parts.val.files
        assert planned.num_test == len(held_out.read_test(path, data))
        if group_by != "none":
            np.testing.assert_array_equal(planned.parts.fit_groups, parts.fit_groups)


def test_groups_of_test_images_are_in_their_order(tmp_path, images, close):
    path, data = tmp_path / "split.json", close(images)
    held_out.write_split(path, data, settings())
    assert held_out.read_test_groups(path) is None
    held_out.write_split(path, data, settings(group_by=BY_TENS))
    of_file = dict(zip(images.files, assign_groups(images.files, BY_TENS), strict=True))
    expected = [of_file[file] for file in held_out.read_test(path, data).files]
    np.testing.assert_array_equal(held_out.read_test_groups(path), expected)


def test_groups_of_one_image_keep_nothing_together(tmp_path, close):
    path, data = tmp_path / "split.json", close(make_set([30]))
    held_out.write_split(path, data, settings(group_by=r"(.*)"))
    assert held_out.read_test_groups(path) is None


def test_a_plan_says_nothing_of_the_test_images_but_their_number(images, close):
    planned = held_out.plan_split(close(images), settings())
    known = {*planned.parts.fit.files, *planned.parts.val.files}
    rest = [file for file in images.files if file not in known]
    assert planned.num_test == len(rest)
    assert not any(file in repr(planned) for file in rest)


def test_groups_are_fingerprinted_whole(images, close):
    assert held_out.group(close(images), settings()) is None
    found = held_out.group(close(images), settings(group_by=BY_TENS))
    groups = assign_groups(images.files, BY_TENS)
    assert len(groups) == len(images)
    assert found.digest == hashlib.sha256(groups.tobytes()).hexdigest()


def test_a_split_is_written_the_same_twice(tmp_path, images, close):
    path = tmp_path / "split" / "split.json"
    held_out.write_split(path, close(images), settings())
    first = path.read_bytes()
    held_out.write_split(path, close(images), settings())
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == ["split.json"]
    document = json.loads(first)
    assert list(document) == [
        *("rule", "seed", "data_hash", "class_names", "counts", "unreadable"),
        *("fit", "val", "test", "seal"),
    ]
    assert document["unreadable"] == ["class0/bad.png"]
    assert document["counts"]["class0"] == {"total": 30, "fit": 5, "val": 1, "test": 24}
    assert set(document["fit"][0]) == {"file", "label"}


def test_groups_are_kept_with_the_split(tmp_path, images, close):
    path, data = tmp_path / "split.json", close(images)
    held_out.write_split(path, data, settings(group_by=BY_TENS))
    parts = held_out.read_parts(path, data)
    tens = [file[-8:-5] for file in parts.fit.files]
    assert len(set(zip(parts.fit_groups, tens, strict=True))) == len(set(parts.fit_groups))
    held_out.write_split(path, data, settings())
    assert held_out.read_parts(path, data).fit_groups is None


@pytest.mark.parametrize("read", [held_out.read_parts, held_out.read_test])
def test_a_split_of_other_data_is_refused(tmp_path, images, read, close):
    path = tmp_path / "split.json"
    held_out.write_split(path, close(images), settings())
    with pytest.raises(UserError, match="does not hold"):
        read(path, close(make_set([3, 20])))
    relabelled = dataclasses.replace(images, labels=1 - images.labels)
    with pytest.raises(UserError, match="does not hold"):
        read(path, close(relabelled))


@pytest.mark.parametrize("read", [held_out.read_parts, held_out.read_test])
def test_a_test_image_that_was_copied_to_fit_is_noticed(tmp_path: Path, images, read, close):
    path = tmp_path / "split.json"
    held_out.write_split(path, close(images), settings())
    document = json.loads(path.read_text())
    document["fit"].append(document["test"][0])
    path.write_text(json.dumps(document))
    with pytest.raises(Damaged, match="changed or edited"):
        read(path, close(images))


@pytest.mark.parametrize("read", [held_out.read_parts, held_out.read_test])
def test_an_edited_split_is_refused_by_field(tmp_path: Path, images, read, close):
    path = tmp_path / "split.json"
    held_out.write_split(path, close(images), settings())
    document = json.loads(path.read_text())
    del document["rule"], document["seal"]
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"split\.json \(version 1 of SplitFile\).*rule"):
        read(path, close(images))


def test_training_does_not_need_the_test_part(tmp_path, images, close):
    path = tmp_path / "split.json"
    held_out.write_split(path, close(images), settings())
    document = json.loads(path.read_text())
    del document["test"], document["seal"]
    path.write_text(json.dumps(document))
    assert len(held_out.read_parts(path, close(images)).fit) == 8
    with pytest.raises(UserError, match="test"):
        held_out.read_test(path, close(images))


def test_a_closed_data_set_tells_its_facts(images, close):
    data = close(images)
    assert (len(data), data.image_shape) == (50, (1, 1, 1))
    assert data.class_names == ("class0", "class1")
    assert (data.data_hash, data.unreadable, data.grey_scales) == ("hash", ("class0/bad.png",), ())
    scale = GreyScale("16-bit", 0, 4095, "the values go from 0 to 4000")
    assert close(images, grey_scales=(scale,)).grey_scales == (scale,)


def test_identical_files_across_the_parts_are_counted(tmp_path, images, close, make_facts):
    path = tmp_path / "split.json"
    assert held_out.write_split(path, close(images), settings()).copies == 0
    parts = held_out.read_parts(path, close(images))
    test = held_out.read_test(path, close(images))
    content_of = {file: file for file in images.files}
    content_of[parts.val.files[0]] = parts.fit.files[0]
    for file in test.files[:3]:
        content_of[file] = parts.fit.files[1]
    facts = make_facts(images.files, sha256=tuple(content_of.values()))
    leakage = held_out.write_split(path, close(images, facts=facts), settings())
    assert (leakage.copies, leakage.val_in_fit, leakage.held_out_in_fit_or_val) == (4, 1, 3)
    assert (leakage.num_val, leakage.num_held_out) == (len(parts.val), len(test))


def test_patients_of_the_table_of_labels_stay_together(tmp_path, images, close):
    patients = {file: file[-8:-5] for file in images.files}
    planned = held_out.plan_split(close(images, patients=patients), settings())
    fit, val = (
        {patients[f] for f in part.files} for part in (planned.parts.fit, planned.parts.val)
    )
    assert not fit & val
    assert len(planned.parts.fit) % 10 == len(planned.parts.val) % 10 == 0
    path = tmp_path / "split.json"
    held_out.write_split(path, close(images, patients=patients), settings())
    test = held_out.read_test(path, close(images))
    assert not {patients[file] for file in test.files} & (fit | val)


def test_groups_by_a_field_of_dicom_read_each_file_once(images, close, monkeypatch):
    asked = []

    def read(content: bytes, keyword: str) -> str:
        asked.append(content)
        assert keyword == "PatientID"
        return content.decode()[-6:-5]

    monkeypatch.setattr("synthmed_jax.data.formats.dicom.read_tag", read)
    data = close(images, content_of=str.encode)
    groups = held_out.group(data, settings(group_by="dicom:PatientID"))
    assert groups.numbers.tolist() == [int(file[-6:-5]) for file in images.files]
    held_out.plan_split(data, settings(group_by="dicom:PatientID"))
    assert sorted(asked) == sorted(file.encode() for file in images.files)


def test_a_file_that_is_no_dicom_has_no_field(images, close):
    data = close(images, content_of=str.encode)
    with pytest.raises(UserError, match=rf"dicom:PatientID, and {images.files[0]} has no such f"):
        held_out.group(data, settings(group_by="dicom:PatientID"))


def test_contact_sheets_show_every_class(tmp_path, images, close):
    paths = held_out.draw_contact_sheets(close(images), tmp_path)
    assert [path.name for path in paths] == ["class1.png", "class2.png"]
    assert all(path.is_file() for path in paths)


def test_groups_are_looked_for_once(tmp_path, images, close, monkeypatch):
    data, how = close(images), settings(group_by=BY_TENS)
    first = held_out.group(data, how)
    monkeypatch.setattr(held_out, "group_images", lambda *_: pytest.fail("looked for again"))
    assert held_out.group(data, how) is first
    held_out.write_split(tmp_path / "split.json", data, how)


@pytest.fixture
def with_twins(close) -> DataSet:
    """Forty images of noise in two classes, the last ten of each equal to the first ten."""
    images = make_set([20, 20])
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), np.uint8)
    for first in (0, 20):
        pixels[first + 10 : first + 20] = pixels[first : first + 10]
    return close(dataclasses.replace(images, images=pixels))


def test_test_images_without_a_duplicate_are_told_in_the_order_of_reading(tmp_path, with_twins):
    path, by_image = tmp_path / "split.json", settings(fraction=0.5)
    leakage = held_out.write_split(path, with_twins, by_image)
    parts, test = held_out.read_parts(path, with_twins), held_out.read_test(path, with_twins)
    known = {image.tobytes() for part in (parts.fit, parts.val) for image in part.images}
    new = held_out.has_no_duplicate(path, with_twins, by_image)
    assert new.tolist() == [image.tobytes() not in known for image in test.images]
    assert 0 < leakage.alike.twins_held_out == (~new).sum()


def test_near_duplicates_stay_on_one_side(tmp_path, with_twins):
    path, alike = tmp_path / "split.json", settings(fraction=0.5, group_by="near_duplicates")
    leakage = held_out.write_split(path, with_twins, alike)
    assert leakage.alike.redundant_twins == 20
    assert leakage.alike.twins_held_out == leakage.alike.near_val == 0
    assert held_out.has_no_duplicate(path, with_twins, alike).all()
    assert json.loads(path.read_text())["grouped_by"] == "near_duplicates"
    parts = held_out.read_parts(path, with_twins)
    assert len(parts.fit_groups) == len(parts.fit)


def test_twins_alone_are_looked_for_where_that_is_asked(tmp_path, with_twins, monkeypatch):
    monkeypatch.setattr(near_duplicates, "find", lambda *_: pytest.fail("near ones are looked for"))
    path, alone = tmp_path / "split.json", settings(fraction=0.5, look_for="twins")
    leakage = held_out.write_split(path, with_twins, alone)
    assert leakage.alike.twins == leakage.alike.near_duplicates
    assert (
        0
        < leakage.alike.twins_held_out
        == (~held_out.has_no_duplicate(path, with_twins, alone)).sum()
    )
    twins, unsearched = alike_text.sentences(leakage)
    assert twins.startswith("twins (equal pixels): 20 images repeat")
    assert unsearched == alike_text.NOT_ASKED
    (table,) = alike_text.tables(leakage)
    assert len(table.columns) == 4


# --- the images on which attacks on membership are tried ---


def test_as_many_members_as_others_of_each_class(tmp_path, close):
    path, data = tmp_path / "split.json", close(make_set([30, 20]))
    held_out.write_split(path, data, settings())
    parts, test = held_out.read_parts(path, data), held_out.read_test(path, data)
    found = held_out.read_membership(path, data, settings(), 100, seed=0)
    assert sorted(found.members.files) == sorted(parts.fit.files)
    assert set(found.others.files) <= set(test.files)
    np.testing.assert_array_equal(found.members.labels, found.others.labels)
    assert len({*found.member_groups, *found.others_groups}) == 2 * len(found.members)
    again = held_out.read_membership(path, data, settings(), 100, seed=0)
    other = held_out.read_membership(path, data, settings(), 100, seed=1)
    assert found.others.files == again.others.files != other.others.files
    few = held_out.read_membership(path, data, settings(), 6, seed=0)
    assert few.members.labels.tolist() == few.others.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_others_that_are_linked_to_fit_stay_and_are_counted(tmp_path, close):
    images = make_set([30, 20])
    # Half of the images of a class have the pixels of one of them.
    pixels = images.images.copy()
    pixels[:15], pixels[30:40] = pixels[0], pixels[30]
    images = dataclasses.replace(images, images=pixels)
    path, data = tmp_path / "split.json", close(images)
    held_out.write_split(path, data, settings())
    parts = held_out.read_parts(path, data)
    known = {*parts.fit.images.ravel().tolist(), *parts.val.images.ravel().tolist()}
    found = held_out.read_membership(path, data, settings(), 100, seed=0)
    linked = [p for p in found.others.images.ravel().tolist() if p in known]
    assert found.linked.sum() == len(linked) > 0
    # Members with equal pixels are one witness.
    assert len(set(found.member_groups)) == len(set(found.members.images.ravel().tolist()))
    assert not {*found.member_groups} & {*found.others_groups}


def test_members_have_no_more_twins_among_all_images_than_others_have(tmp_path, close):
    """Else they would be nearer to any set of such images, learned from or not."""
    gaps = []
    for seed in range(30):
        images = make_set([60, 60])
        pixels = np.random.default_rng(seed).permutation(120).astype(np.uint8)
        # Half of all images have a twin of their class, as data sets have that repeat patients.
        pixels[:15], pixels[60:75] = pixels[15:30], pixels[75:90]
        images = dataclasses.replace(images, images=pixels.reshape(images.images.shape))
        path, data = tmp_path / f"{seed}.json", close(images)
        by_chance = settings(seed=seed, fraction=0.5)
        held_out.write_split(path, data, by_chance)
        found = held_out.read_membership(path, data, by_chance, 1000, seed)
        times = np.bincount(pixels, minlength=256)
        members, others = (times[each.images.ravel()] for each in (found.members, found.others))
        gaps.append(members.mean() - others.mean())
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(len(gaps))
