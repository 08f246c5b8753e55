import pytest

from synthmed_jax.data.facts import UNREADABLE, GreyScale, Listing
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.errors import UserError


@pytest.fixture
def listing(make_facts) -> Listing:
    # A file's name may hold bytes that are no text.
    sources = ("a/1.tif", "a/1.tif", "b/良\udcff.png")
    return Listing(
        files=("a/1.tif#0000", "a/1.tif#0001", "b/良\udcff.png"),
        labels=(0, 0, 1),
        facts=make_facts(sources, means=(0.25, 100.0, 255.0), coloured=(False, False, True)),
        left_out=(LeftOut("a/2.png", "a", UNREADABLE, "cut off"),),
        grey_scales=(GreyScale("float", -0.5, 1e-7, "the values go from -0.5 to 1e-07"),),
    )


def test_a_listing_comes_back_as_it_was_written(tmp_path, listing):
    path = tmp_path / "arrays" / "listing.json"
    assert Listing.read_if_there(path) is None
    listing.write(path)
    assert Listing.read(path) == listing


def test_a_listing_of_nothing_comes_back(tmp_path, make_facts):
    empty = Listing((), (), make_facts(()), (), ())
    empty.write(tmp_path / "listing.json")
    assert Listing.read(tmp_path / "listing.json") == empty


def test_a_damaged_listing_is_not_believed(tmp_path, listing):
    path = tmp_path / "listing.json"
    listing.write(path)
    path.write_text(path.read_text().replace('"widths"', '"width"'))
    with pytest.raises(UserError, match="changed or edited"):
        Listing.read(path)
