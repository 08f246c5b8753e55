import dataclasses

from synthmed_jax.report import caveats
from synthmed_jax.report.conclusions import conclude
from synthmed_jax.report.formats import n_is


def limits(contents):
    return caveats.sentences(contents, conclude(contents))


def test_small_classes_are_warned_of_and_large_ones_not(contents):
    warning = f"Warning: under 50 fit images in Benign ({n_is(4)}), Early"
    assert limits(contents)[0].startswith(warning)
    counts = {name: dataclasses.replace(count, fit=50) for name, count in contents.counts.items()}
    split = dataclasses.replace(contents.split, counts=counts)
    assert "Warning" not in limits(dataclasses.replace(contents, split=split))[0]


def test_leakage_is_a_caveat_of_image_level_splits_only(fabricated):
    assert any("The split is by image" in text for text in limits(fabricated.contents()))
    fabricated.configure("split", group_by=r"(\d+)_")  # what groups nothing is no grouping
    assert any("The split is by image" in text for text in limits(fabricated.contents()))
    contents = fabricated.contents()
    for shared, by_image in ((1, True), (2, False)):
        fit = tuple(
            dataclasses.replace(entry, group=i // shared)
            for i, entry in enumerate(contents.split.fit)
        )
        split = dataclasses.replace(contents.split, fit=fit, val=())
        said = limits(dataclasses.replace(contents, split=split))
        assert any("The split is by image" in text for text in said) == by_image


def test_a_split_by_likeness_knows_no_patients(fabricated):
    contents = fabricated.contents()
    split = dataclasses.replace(contents.split, grouped_by="near_duplicates")
    said = limits(dataclasses.replace(contents, split=split))
    assert any("keeps near-duplicates on one side and knows no patients" in t for t in said)
    assert not any("The split is by image" in t for t in said)


def test_files_that_could_not_be_read_are_counted(contents):
    assert f"Files left out as unreadable: {n_is(1)}." in limits(contents)
