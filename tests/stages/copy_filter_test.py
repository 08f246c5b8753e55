"""The filter on a drawn data set, with a generator and a search that are stood in for."""

import csv

import numpy as np
import pytest

from synthmed_jax.arms import ARMS, FILTERED
from synthmed_jax.audit.aligned_search import Nearest
from synthmed_jax.data import held_out, manifest
from synthmed_jax.data.manifest import ManifestRow
from synthmed_jax.data.png import encode_png
from synthmed_jax.errors import UserError
from synthmed_jax.files import sha256, write_bytes
from synthmed_jax.results.filtered import Filtered, FilteredClass
from synthmed_jax.results.memorisation import ALIGNED, IDENTITY, UNION
from synthmed_jax.stages import audit, base, classify, copy_filter, diffusion, generate, tune
from tests.data.written_set import write_manifest

COUNT, BLOCK = 6, 4
COPIES = (0, 3, 6)  # indices at which the generator of the first class copies


class Generator:
    """Draws a grey level of its own for each image, and a `fit` image at some indices."""

    def __init__(self, fit, copies):
        self.fit, self.copies = fit, copies

    def __call__(self, params, label, index):
        images = np.empty((len(index), *self.fit.shape[1:]), np.uint8)
        for place, (k, i) in enumerate(zip(label, index, strict=True)):
            is_copy = k == 0 and i in self.copies
            images[place] = self.fit[i] if is_copy else 10 * k + i
        return images


class Search:
    """Flags an image that equals a `fit` image."""

    def __init__(self, fit):
        self.thresholds = {UNION: {ALIGNED: 0.9, IDENTITY: 0.9}}
        self.known = {image.tobytes() for image in fit}

    def look(self, images):
        alike = np.array([float(image.tobytes() in self.known) for image in images])
        nearest = Nearest(np.zeros(len(images), np.int64), alike)
        return {ALIGNED: nearest, IDENTITY: nearest}

    def flag(self, nearest, space):
        assert space == UNION
        return nearest[ALIGNED].alike > 0.9


def finish(run, monkeypatch, copies=COPIES):
    """Leaves a split and a synthetic set, as the stages before would."""
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    fit = run.inputs.parts.fit.images
    leave_synthetic_set(run, Generator(fit, copies), COUNT, monkeypatch)
    run.compiled.__dict__["copy_search"] = Search(fit)


def leave_synthetic_set(run, draw, count, monkeypatch):
    """Leaves so many drawn images per class."""
    rows = []
    for label, name in enumerate(run.inputs.class_names):
        images = draw(None, np.full(count, label), np.arange(count))
        for i, image in enumerate(images):
            path, png = manifest.path_of(name, i), encode_png(image)
            write_bytes(run.workdir.synthetic / path, png)
            rows.append(ManifestRow(path, name, i, 0, "ddpm", 10, 1.0, "sha", sha256(png)))
    write_manifest(run.workdir.synthetic, rows)
    run.compiled.__dict__["draw"] = draw
    by_label = {label: (None, label, "sha") for label in range(len(run.inputs.class_names))}
    monkeypatch.setattr(diffusion, "generator_of_label", lambda run: by_label)


@pytest.fixture
def run(make_run, monkeypatch):
    made = make_run(
        generate__filter="copies",
        generate__per_class=COUNT,
        generate__block=BLOCK,
        classifier__arms=("synthetic", "real", FILTERED),
    )
    finish(made, monkeypatch)
    return made


def test_copies_are_replaced_and_the_unfiltered_set_stays(run):
    before = {p: p.read_bytes() for p in run.workdir.synthetic.rglob("*") if p.is_file()}
    copy_filter.STAGE.run(run)
    after = {p: p.read_bytes() for p in run.workdir.synthetic.rglob("*") if p.is_file()}
    assert after == before
    first, second, *_ = run.inputs.class_names
    listed = run.inputs.filtered
    assert np.bincount(listed.labels).tolist() == [COUNT] * len(run.inputs.class_names)
    kept = [file for file in listed.files if file.startswith(first)]
    assert kept == [manifest.path_of(first, i) for i in (1, 2, 4, 5, 7, 8)]
    assert [f for f in listed.files if f.startswith(second)] == [
        manifest.path_of(second, i) for i in range(COUNT)
    ]
    # Nothing that was left out lies in the folder.
    pngs = {
        p.relative_to(run.workdir.filtered).as_posix() for p in run.workdir.filtered.rglob("*.png")
    }
    assert pngs == set(listed.files)
    fit = {image.tobytes() for image in run.inputs.parts.fit.images}
    assert not any(image.tobytes() in fit for image in listed.images)
    found = Filtered.read(run.workdir.filtered / copy_filter.RESULT)
    assert found.classes[first] == FilteredClass(looked_at=12, flagged=3, used=COUNT)
    assert found.classes[second] == FilteredClass(looked_at=6, flagged=0, used=COUNT)


def test_every_image_that_was_looked_at_has_its_scores(run):
    copy_filter.STAGE.run(run)
    with run.workdir.filter_scores.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["class"] == run.inputs.class_names[0]]
    assert [int(row["index"]) for row in rows] == list(range(12))
    assert [i for i, row in enumerate(rows) if row["flagged"] == "1"] == list(COPIES)
    assert [float(row["alike_aligned"]) for row in rows] == [float(i in COPIES) for i in range(12)]
    assert {row["used"] for row in rows[9:]} == {"0"}
    assert rows[1]["sha256"] == manifest.read_manifest(run.workdir.synthetic)[1].sha256


def test_the_arm_learns_from_the_filtered_set(run):
    copy_filter.STAGE.run(run)
    built = ARMS[FILTERED].build(run.inputs.materials)
    np.testing.assert_array_equal(built.images.images, run.inputs.filtered.images)
    for stage in (classify.STAGE, tune.STAGE):
        assert copy_filter.STAGE in base.upstream(run, stage), stage.name


def test_images_of_an_earlier_filter_do_not_stay(run):
    stray = run.workdir.filtered / manifest.path_of(run.inputs.class_names[0], 99)
    write_bytes(stray, b"a copy")
    copy_filter.STAGE.run(run)
    assert not stray.exists()


def test_a_generator_of_copies_alone_is_refused_by_name(make_run, monkeypatch):
    run = make_run(generate__filter="copies", generate__per_class=COUNT, generate__block=BLOCK)
    finish(run, monkeypatch, copies=range(100))
    name = run.inputs.class_names[0]
    with pytest.raises(UserError, match=rf"of the first 20 synthetic images of {name}, 20 look"):
        copy_filter.STAGE.run(run)


PLANTED = 10  # wrong labels, the first images of the first class


class HonestGenerator:
    """Draws images that nothing has learned, the first PLANTED of the first class of another."""

    def __init__(self, images, share_wrong=0.0):
        self.images, self.share_wrong = images, share_wrong

    def __call__(self, params, label, index):
        drawn = []
        for k, i in zip(label, index, strict=True):
            wrong = k == 0 and (i < PLANTED or self.share_wrong == 1)
            drawn.append(self.images[(k + 1) % len(self.images) if wrong else k][i])
        return np.stack(drawn)


@pytest.fixture
def make_honest(make_run, monkeypatch):
    """A run on phantoms whose generator draws held-out images, some with a wrong label."""

    def make(share_wrong=0.0, **changes):
        run = make_run(
            data__phantom_images=600,
            generate__per_class=40,
            generate__block=8,
            **{"generate__filter": "off_class", "generate__off_class_share": 0.02, **changes},
        )
        held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
        test = held_out.read_test(run.workdir.split, run.inputs.data)
        images = [test.images[test.labels == label] for label in range(len(test.class_names))]
        leave_synthetic_set(run, HonestGenerator(images, share_wrong), 40, monkeypatch)
        return run

    return make


def test_planted_wrong_labels_are_left_out_and_honest_images_mostly_stay(make_honest):
    run = make_honest()
    copy_filter.STAGE.run(run)
    found = Filtered.read(run.workdir.filtered / copy_filter.RESULT)
    first = run.inputs.class_names[0]
    with run.workdir.filter_scores.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    of_first = [row for row in rows if row["class"] == first]
    wrong = sum(row["off_class"] == "1" for row in of_first[:PLANTED])
    # Not all are seen, and the filter knows how many: of all wrong labels, so of three classes.
    assert wrong >= 7
    assert found.off_class[first].found > 0.5
    honest = [row for row in rows if row["class"] != first] + of_first[PLANTED:]
    assert np.mean([row["off_class"] == "1" for row in honest]) < 0.15
    # Every score is kept, and decides.
    for row in rows:
        is_off = float(row["own_class"]) < found.off_class[row["class"]].least
        assert is_off == (row["off_class"] == "1")
    assert "flagged" not in rows[0]
    assert np.bincount(run.inputs.filtered.labels).tolist() == [40] * 4
    assert found.classes[first].off_class >= wrong
    assert found.classes[first].flagged == 0
    assert found.off_class_share == 0.02
    assert set(found.coverage) == {"synthetic", "filtered", "other real"}


def test_a_class_that_can_not_be_filled_up_is_refused_by_name(make_honest):
    run = make_honest(share_wrong=1.0, generate__off_class_share=0.4)
    name = run.inputs.class_names[0]
    message = (
        rf"of the first 12\d synthetic images of {name}, \d+ look like another class .*, and 40"
    )
    with pytest.raises(UserError, match=message):
        copy_filter.STAGE.run(run)


def test_both_filters_count_their_own(make_honest):
    run = make_honest(generate__filter="copies,off_class")
    drawn = run.compiled.draw(None, np.array([1]), np.array([0]))
    run.compiled.__dict__["copy_search"] = Search(drawn)
    copy_filter.STAGE.run(run)
    first, second, *_ = run.inputs.class_names
    found = Filtered.read(run.workdir.filtered / copy_filter.RESULT).classes
    # One and the same image, with a wrong label in the first class.
    assert (found[first].flagged, found[second].flagged) == (1, 1)
    assert found[first].off_class >= 5
    with run.workdir.filter_scores.open(newline="") as stream:
        headings = next(csv.reader(stream))
    scores = ["alike_aligned", "alike_identity", "own_class"]
    assert headings[-5:] == [*scores, "flagged", "off_class"]


def test_a_filter_changes_no_fingerprint_but_its_own(make_run):
    plain, other = make_run(), make_run(generate__filter="copies")
    for stage in (generate.STAGE, audit.STAGE, classify.STAGE):
        assert base.fingerprint(plain, stage) == base.fingerprint(other, stage), stage.name
    assert audit.STAGE.units(plain) != audit.STAGE.units(other)
    by_class = make_run(generate__filter="copies,off_class")
    assert audit.STAGE.units(other) != audit.STAGE.units(by_class)
    assert [run.settings.generate.filter for run in (plain, other)] == ["none", "copies"]
    assert [copy_filter.STAGE.asked(run) for run in (plain, other)] == [False, True]
    assert copy_filter.STAGE not in base.upstream(plain, audit.STAGE)


def test_networks_of_filtered_images_are_bound_to_the_filter_and_others_are_not(make_run):
    """Another filter makes another set, of the same name and size."""
    arms = {"classifier__arms": ("synthetic", "synthetic_filtered")}
    one, other = (
        set(
            classify.STAGE.units(
                make_run(generate__filter="off_class", generate__off_class_share=share, **arms)
            )
        )
        for share in (0.1, 0.2)
    )
    assert {"/synthetic/" in unit for unit in one & other} == {True}
    assert {"/synthetic_filtered/" in unit for unit in one ^ other} == {True}


def test_what_the_filter_measured_on_is_part_of_what_it_made(make_run):
    few, many = (make_run(generate__filter="copies", audit__images=n) for n in (500, 600))
    assert base.fingerprint(few, copy_filter.STAGE) != base.fingerprint(many, copy_filter.STAGE)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "nothing to do with config.generate.filter=none"),
        ({"generate__filter": "copies"}, "can't tell which images are copies: under 50 fit images"),
        (
            {"generate__filter": "off_class", "data__phantom_images": 20},
            "can't tell which images are off their class: class 'glioma' has .* and 5 are needed",
        ),
    ],
)
def test_what_can_not_be_filtered_is_refused_before_any_work(make_run, changes, fault):
    with pytest.raises(UserError, match=fault):
        copy_filter.STAGE.check(make_run(**changes))


def test_an_arm_without_its_filter_is_refused(make_run):
    with pytest.raises(UserError, match=r"set --config\.generate\.filter=copies, or leave the arm"):
        make_run(classifier__arms=("synthetic", FILTERED))
    with pytest.raises(UserError, match=r"config\.generate\.filter"):
        make_run(generate__filter="copys")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("copies,none", "'none' is not one of copies, off_class"),
        ("copies,copies", "names a filter twice"),
        ("copies,", "'' is not one of"),
    ],
)
def test_filters_are_named_once_each(make_run, value, fault):
    with pytest.raises(UserError, match=fault):
        make_run(generate__filter=value)
    assert make_run(generate__filter="off_class,copies").settings.generate.filters == (
        "off_class",
        "copies",
    )
