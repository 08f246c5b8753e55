"""The dataset card: what is known is said, what is not is marked, nothing private is in it."""

import dataclasses

import pytest

from synthmed_jax.report import checklists, dataset_card
from synthmed_jax.report.dataset_card import FILL_IN, SyntheticFacts
from synthmed_jax.report.formats import percent, short_name
from synthmed_jax.results.membership import IMAGES_ONLY
from synthmed_jax.results.release import Release
from synthmed_jax.results.section import Section
from tests.report.conftest import CLASS_NAMES, MEMORISATION

FACTS = SyntheticFacts(dict.fromkeys(CLASS_NAMES, 500), 0, ("c0ffee",))
AUDIT = Section("Apart?", ("Told apart with AUROC 0.91.", "How it was done."))


def card_of(contents, facts=FACTS, audit=(AUDIT,)):
    return dataset_card.render(contents, facts, audit)


def answers(contents):
    return {item.subject: item.answer for item in checklists.items(contents)}


def test_the_header_is_that_of_hugging_face(contents):
    lines = card_of(contents).splitlines()
    header = lines[1 : lines.index("---", 1)]
    assert lines[0] == "---"
    assert header[0] == "license: other"  # "line 2 of this file"
    assert header[header.index("size_categories:") + 1] == "- 1K<n<10K"
    assert "- image-classification" in header


@pytest.mark.parametrize(
    ("total", "size"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (2_000_000, "n>1M")],
)
def test_the_size_class_is_that_of_the_number(contents, total, size):
    facts = dataclasses.replace(FACTS, counts={CLASS_NAMES[0]: total})
    assert f"- {size}\n" in card_of(contents, facts)


def test_the_card_of_a_trial_run_says_so(contents):
    said = "**A trial run (scale smoke): its numbers and verdicts mean nothing.**"
    assert said not in card_of(contents)
    trial = dataclasses.replace(contents, config=contents.config | {"scale": "smoke"})
    assert said in card_of(trial)


def test_the_classes_are_counted_beside_what_the_generator_learned_from(contents):
    card = card_of(contents)
    for name, counts in contents.counts.items():
        assert f"| {name} | 500 | {counts.fit} |" in card
    assert "1500 labelled images, drawn by a diffusion model that learned from " in card
    assert "| weights of the generator (sha256) | c0ffee |" in card
    assert contents.split.data_hash in card


def test_what_was_measured_is_said_and_what_was_not_is_missing(contents):
    card = card_of(contents)
    assert "Can synthetic images stand in for the real ones (D1)?" in card
    assert "**Apart?**: Told apart with AUROC 0.91." in card
    assert "How it was done." not in card
    bare = dataclasses.replace(contents, evaluation=None, fidelity=None, lime=None)
    card = card_of(bare, FACTS, ())
    assert "**Missing:** the stage audit has not run" in card
    assert "**Missing:** single images were not audited for copies" in card
    assert "(D1)" not in card
    assert "no measure of what they are worth for training" in card


def test_the_verdict_on_a_release_is_said_with_what_it_does_not_cover(contents):
    assert "**Missing:** single images were not audited for copies" in card_of(contents)
    release = Release(
        IMAGES_ONLY, "copies found", {}, ("5 of 400 are flagged.",), ("Fewer steps.",), ("parts",)
    )
    judged = dataclasses.replace(MEMORISATION, release=(release,))
    card = card_of(dataclasses.replace(contents, memorisation=judged))
    assert "Is it safe to share? The images alone: copies found. 5 of 400 are flagged." in card
    assert "What would change the verdict: Fewer steps. Not covered: parts." in card
    assert "Missing" not in card


def test_images_that_are_no_part_of_the_set_are_counted(contents):
    assert "more images lie" not in card_of(contents)
    card = card_of(contents, dataclasses.replace(FACTS, unused=12))
    assert "12 more images lie in the class folders" in card


def test_no_path_and_no_file_of_the_user_is_in_it(fabricated):
    fabricated.configure("data", dir="/home/somebody/images", cache_dir="/home/somebody/cache")
    fabricated.configure("split", group_by="/home/somebody/patients.csv")
    fabricated.configure("classifier", weights="/home/somebody/weights.pth")
    contents = fabricated.contents()
    card = card_of(contents)
    assert "somebody" not in card
    assert contents.info.command not in card
    for entry in (*contents.split.fit, *contents.split.val):
        assert entry.file not in card


def test_an_edit_is_known_from_what_was_written(contents):
    card = card_of(contents).encode()
    assert dataset_card.is_as_written(card)
    for edited in (card.replace(b"other", b"mit", 1), card + b"more", card[:100], b"", b"\xff"):
        assert not dataset_card.is_as_written(edited)


def test_names_of_classes_are_escaped(contents):
    name = "<b>*x*</b>|y"
    counts = {name if n == "Pre" else n: c for n, c in contents.split.counts.items()}
    split = dataclasses.replace(
        contents.split, counts=counts, class_names=("Benign", "Early", name)
    )
    facts = dataclasses.replace(FACTS, counts={name: 3})
    card = card_of(dataclasses.replace(contents, split=split), facts)
    assert r"| &lt;b&gt;\*x\*&lt;/b&gt;\|y | 3 |" in card


def test_subjects_that_only_the_authors_know_are_to_fill_in(contents):
    card = card_of(contents)
    assert answers(contents)["de-identification"] == ""
    assert f"| de-identification | CLAIM | {FILL_IN} |" in card
    assert "60 held-out real images" in answers(contents)["measures of performance"]
    assert answers(dataclasses.replace(contents, evaluation=None))["measures of performance"] == ""
    assert answers(dataclasses.replace(contents, lime=None))["explanations"] == ""


@pytest.mark.parametrize(
    ("grouped_by", "groups", "said"),
    [
        ("", (None, None), "image: images of one patient may lie in several parts"),
        ("patients", (0, 0), "group: images that belong together"),
        ("near_duplicates", (0, 0), "patients are not known"),
    ],
)
def test_the_level_of_disjointness_is_that_of_the_split(contents, grouped_by, groups, said):
    entries = tuple(
        dataclasses.replace(entry, group=group)
        for entry, group in zip(contents.split.fit[:2], groups, strict=True)
    )
    split = dataclasses.replace(contents.split, grouped_by=grouped_by, fit=entries, val=())
    found = answers(dataclasses.replace(contents, split=split))
    assert said in found["level at which the parts are disjoint"]


def test_what_other_images_showed_is_an_answer(contents, external):
    asked = "performance on external data"
    assert answers(contents)[asked] == ""
    said = answers(dataclasses.replace(contents, external=external))[asked]
    assert said.startswith("accuracy on 6 real images of another folder")
    for cell in external.cells:
        assert f"{short_name(cell)} {percent(cell.mean.test_accuracy)}" in said


def test_more_images_than_were_asked_for_of_each_class_are_explained(fabricated):
    fabricated.configure("generate", per_class=500, enough_for_arms=True)
    card = card_of(fabricated.contents())
    assert "500 images per class" in card
    assert "| more of each class where an arm takes more | true |" in card
