from pathlib import Path

import pytest

from synthmed_jax.data import records, sets
from synthmed_jax.data.sets import builders, listing
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "leukaemia"}, "config.data.name='leukaemia' is not one of leukemia, brain_"),
        ({"name": "leukemia", "variant": "Cropped"}, "config.data.variant.*Original, Segmented"),
        ({"name": "phantom", "image_size": 15}, r"image_size \(phantoms\)=15 must be at least 16"),
        (
            {"name": "phantom", "image_size": 16, "phantom_images": 0},
            "config.data.phantom_images=0 must be at least 1",
        ),
        (
            {"name": "phantom", "image_size": 16, "phantom_seed": -1},
            "config.data.phantom_seed=-1 must be at least 0",
        ),
        ({"name": "phantom", "conflicts": "drop"}, "conflicts='drop': .* not looked for in phan"),
        ({"name": "leukemia", "exclude": "*x*"}, "config.data.exclude is for .*name=folder"),
    ],
)
def test_each_set_refuses_its_bad_values(settings, changes, message):
    with pytest.raises(UserError, match=message):
        sets.check_settings(settings(**changes))


def test_what_a_set_does_not_read_is_not_checked(settings):
    unread = {"variant": "Cropped", "phantom_images": 0, "phantom_seed": -1}
    for name in ("brain_tumor_mri", "sarscov2_ct", "folder"):
        sets.check_settings(settings(name=name, conflicts="drop", **unread))
    sets.check_settings(settings(name="phantom", image_size=16, variant="Cropped"))


def test_the_name_in_the_config_is_the_name_of_the_prepared_copy():
    # TFDS makes its folder's name of the class's: renaming a builder would orphan what is prepared.
    assert {name: builder.name for name, builder in sets.DATASETS.items()} == {
        name: name for name in sets.DATASETS
    }


class Sorted(builders.ImageBuilder):
    """A set of another layout: the class is the beginning of the file's name."""

    @classmethod
    def make_source(cls, settings):
        root, names = Path(settings.dir), ("ill", "well")
        files = [
            listing.ImageFile(file, names.index(file.split("_")[0]))
            for file in listing.walk_images(root)
        ]
        return builders.hash_source(root, names, files, settings)


def test_another_set_is_a_class_and_a_line(tmp_path, settings, make_images, monkeypatch):
    monkeypatch.setitem(sets.DATASETS, "sorted", Sorted)
    make_images(tmp_path, "well_1.png", "ill_1.png", "ill_2.png")
    data = settings(name="sorted", dir=str(tmp_path))
    stored = records.open_records(data)
    assert [(record.file, record.label) for record in stored] == [
        ("ill_1.png", 0),
        ("ill_2.png", 0),
        ("well_1.png", 1),
    ]
    assert Sorted.make_lesion_of(data, 16) is None
