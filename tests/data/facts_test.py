import numpy as np
import pytest

from synthmed_jax.data.facts import UNREADABLE, GreyScale, Listing
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.files import write_array


@pytest.fixture
def listing(make_facts) -> Listing:
    # A file's name may hold bytes that are no text.
    sources = ("a/1.tif", "a/1.tif", "b/良\udcff.png")
    return Listing(
        files=("a/1.tif#0000", "a/1.tif#0001", "b/良\udcff.png"),
        facts=make_facts(
            sources,
            formats=("TIFF 8-bit", "TIFF 8-bit", "PNG float"),
            mean=(0.25, 100.0, 255.0),
            coloured=(False, False, True),
            label=(0, 0, 1),
        ),
        left_out=(LeftOut("a/2.png", "a", UNREADABLE, "cut off"),),
        grey_scales=(GreyScale("float", -0.5, 1e-7, "the values go from -0.5 to 1e-07"),),
        pixels="c0ffee",
    )


def assert_equal(one: Listing, other: Listing) -> None:
    assert one.files == other.files
    assert one.facts.sources == other.facts.sources
    assert one.facts.formats == other.facts.formats
    np.testing.assert_array_equal(one.facts.rows, other.facts.rows)
    assert (one.left_out, one.grey_scales) == (other.left_out, other.grey_scales)
    assert one.pixels == other.pixels


def test_a_listing_comes_back_as_it_was_written(tmp_path, listing):
    path = tmp_path / "arrays" / "listing.json"
    assert Listing.read_if_there(path) is None
    listing.write(path)
    assert_equal(Listing.read_if_there(path), listing)


def test_without_stacks_names_of_files_and_images_are_the_same_texts(tmp_path, make_facts):
    files = ("a/1.png", "b/\n 2.png")
    path = tmp_path / "listing.json"
    Listing(files, make_facts(files), (), ()).write(path)
    again = Listing.read_if_there(path)
    assert again.files == files
    assert again.facts.sources is again.files


def test_a_listing_of_nothing_comes_back(tmp_path, make_facts):
    empty = Listing((), make_facts(()), (), ())
    empty.write(tmp_path / "listing.json")
    assert_equal(Listing.read_if_there(tmp_path / "listing.json"), empty)


def test_a_damaged_listing_is_not_believed(tmp_path, listing):
    path = tmp_path / "listing.json"
    listing.write(path)
    path.write_text(path.read_text().replace('"formats"', '"format"'))
    with pytest.raises(UserError, match="changed or edited"):
        Listing.read_if_there(path)


def test_rows_that_are_gone_or_of_another_listing_are_not_believed(tmp_path, listing):
    path = tmp_path / "listing.json"
    listing.write(path)
    rows = path.with_suffix(".npy")
    write_array(rows, listing.facts.rows, "0ff")
    with pytest.raises(Damaged, match=r"listing\.npy is damaged: .* what listing\.json is about"):
        Listing.read_if_there(path)
    write_array(rows, listing.facts.rows[:2], listing.pixels)
    with pytest.raises(Damaged, match=r"listing\.npy is damaged"):
        Listing.read_if_there(path)
    rows.write_bytes(b"")
    with pytest.raises(Damaged, match=r"listing\.npy is damaged"):
        Listing.read_if_there(path)
    rows.unlink()
    with pytest.raises(Damaged, match=r"listing\.npy can't be read \(No such file"):
        Listing.read_if_there(path)


def test_formats_are_counted_the_most_frequent_first(listing):
    facts = listing.facts
    assert facts.count_formats(np.arange(3)) == {"TIFF 8-bit": 2, "PNG float": 1}
    assert list(facts.count_formats(np.array([2, 1, 2]))) == ["PNG float", "TIFF 8-bit"]
    assert facts.count_formats(np.array([2])) == {"PNG float": 1}
    assert facts.is_of("TIFF").tolist() == [True, True, False]
