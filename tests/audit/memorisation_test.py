import dataclasses
import functools

import numpy as np
import pytest

from synthmed_jax.audit import copy_search, identity_net, memorisation_picture, memorisation_text
from synthmed_jax.audit.memorisation import PAIRS, measure_memorisation
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.results.memorisation import ALIGNED, IDENTITY, UNION, AuditMemorisation
from synthmed_jax.verdicts import Copies
from tests.audit.aligned_search_test import scenes

PER_CLASS = 80


def image_set(images, name):
    labels = np.repeat([0, 1], len(images) // 2).astype(np.int32)
    return ImageSet(images, labels, tuple(f"{name}{i}.png" for i in range(len(images))), ("a", "b"))


FIT = image_set(scenes(2 * PER_CLASS, 0), "fit")
# The first 40 images of class a are `fit` images that were moved by a pixel.
MOVED = np.concatenate([np.roll(FIT.images[:40], 1, axis=2), scenes(160, 2)])


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy_search, "PLANTED", 30)
        short = functools.partial(identity_net.train, steps=20)
        patch.setattr(copy_search.identity_net, "train", short)
        yield


@pytest.fixture(scope="module")
def of_copies(quick):
    return measure_memorisation(image_set(MOVED, "s"), FIT, "none", 0)


@pytest.fixture(scope="module")
def of_strangers(quick):
    return measure_memorisation(image_set(scenes(200, 3), "s"), FIT, "none", 0)


def test_copies_are_found_and_counted_by_class(of_copies):
    found, _ = of_copies
    assert found.verdict == Copies.FOUND
    assert found.p < 1e-6
    assert 40 <= found.copied.hits <= 52
    assert (found.copied.n, found.num_synthetic, found.num_fit) == (200, 200, 2 * PER_CLASS)
    assert found.classes["a"].copied.hits >= 40 > 10 >= found.classes["b"].copied.hits
    assert found.classes["a"].num_fit == PER_CLASS
    assert 40 <= found.classes["a"].fit_copied <= 50
    assert found.excess == found.copied.share - found.detectors[-1].false_alarms.share


def test_the_closest_pairs_are_the_copies_with_their_originals(of_copies):
    found, seen = of_copies
    assert len(found.closest) == len(seen.closest) == PAIRS
    for pair in found.closest:
        assert pair.path == pair.nearest.replace("fit", "s")
        assert pair.flagged
    assert [pair.alike for pair in found.closest] == sorted(
        (pair.alike for pair in found.closest), reverse=True
    )


def test_of_strangers_nothing_is_found(of_strangers):
    found, _ = of_strangers
    assert found.verdict == Copies.NOT_FOUND
    assert found.p > 0.05
    assert found.copied.share < 0.05


def test_the_power_of_every_space_is_measured_at_its_false_alarms(of_strangers):
    found, _ = of_strangers
    assert [each.space for each in found.detectors] == [ALIGNED, IDENTITY, UNION]
    for each in found.detectors:
        assert each.false_alarms.n == 2 * PER_CLASS - found.num_left_out
        assert each.false_alarms.share <= 0.01
        assert len(each.power) == 10
        assert {rate.n for rate in each.power.values()} == {30}
        assert each.power["unchanged"].share == 1
    union = found.detectors[-1].power
    assert union["moved by 2 pixels"].share == 1
    assert set(found.holes) == {how for how, rate in union.items() if rate.share < 0.95}


def test_how_many_held_out_images_are_flagged_is_told_and_changes_nothing(of_strangers):
    strangers, held_out = image_set(scenes(200, 3), "s"), scenes(100, 4)
    held_out[:10] = FIT.images[:10]
    found, _ = measure_memorisation(strangers, FIT, "none", 0, held_out=held_out)
    for each in found.detectors:
        assert 10 <= each.held_out.hits <= 15
        assert each.held_out.n == 100
    without = tuple(dataclasses.replace(each, held_out=None) for each in found.detectors)
    assert dataclasses.replace(found, detectors=without) == of_strangers[0]
    rows = memorisation_text.to_section(found).tables[0].rows
    assert rows[1].name == "no copies: held-out images"
    assert rows[1].values[2].startswith(f"{found.detectors[-1].held_out.hits} of 100 (")
    of_none = measure_memorisation(strangers, FIT, "none", 0, held_out=held_out[:0])
    assert of_none[0] == of_strangers[0]


def test_of_few_images_nothing_is_concluded():
    few = image_set(FIT.images[:60], "fit")
    found, seen = measure_memorisation(image_set(MOVED, "s"), few, "none", 0)
    assert seen is None
    assert found.verdict == Copies.NOTHING_CONCLUDED
    assert (found.copied, found.p, found.detectors, found.closest) == (None, None, (), ())
    assert "a has 30, b has 30" in found.why
    section = memorisation_text.to_section(found)
    assert section.paragraphs == (f"Nothing is concluded about copies: {found.why}.",)
    assert not section.pictures


def test_what_is_written_can_be_read(of_copies, tmp_path):
    of_copies[0].write(tmp_path / "memorisation.json")
    assert AuditMemorisation.read(tmp_path / "memorisation.json") == of_copies[0]


def test_the_section_says_verdict_power_and_holes(of_copies, of_strangers):
    section = memorisation_text.to_section(of_copies[0])
    assert section.paragraphs[0].startswith("Copies found: ")
    assert f"{of_copies[0].copied.hits} of 200" in section.paragraphs[0]
    power, classes = section.tables
    assert [row.name for row in power.rows][:2] == ["no copies: fit images", "unchanged"]
    assert power.rows[1].values[2].startswith("30 of 30 (100.0%; ")
    assert [row.name for row in classes.rows] == ["a", "b"]
    honest = memorisation_text.to_section(of_strangers[0]).paragraphs
    assert honest[0].startswith("Nothing found at this power, which is no proof of no copies: ")
    for how in of_strangers[0].holes:
        assert how in honest[1]


def test_pictures_are_drawn(of_copies):
    found, seen = of_copies
    for drawn in (
        memorisation_picture.draw_distances(seen),
        memorisation_picture.draw_pairs(seen, found.closest),
    ):
        assert drawn.startswith(b"\x89PNG")
