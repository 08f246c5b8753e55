import collections

import pytest

from synthmed_jax.data import acceptance
from synthmed_jax.data.facts import NO_IMAGE, UNREADABLE
from synthmed_jax.data.formats.opened import EIGHT_BITS, Kind
from synthmed_jax.data.sets.listing import LeftOut
from synthmed_jax.errors import UserError

SIXTEEN, FLOAT, CT = Kind("16-bit"), Kind("float"), Kind("DICOM CT")
WHITE = Kind("DICOM CT", inverted=True)


def broken(count: int, class_name: str = "a", reason: str = UNREADABLE) -> list[LeftOut]:
    return [LeftOut(f"{class_name}/{i:03d}.png", class_name, reason, "cut") for i in range(count)]


def kinds(**of_class: dict[Kind, int]) -> dict[str, collections.Counter[Kind]]:
    return {name: collections.Counter(counts) for name, counts in of_class.items()}


@pytest.mark.parametrize(
    ("total", "limit"),
    # The larger of 1 % and 10 %, but at most 5, of the class.
    [(5, 0), (9, 0), (10, 1), (19, 1), (20, 2), (49, 4), (50, 5), (599, 5), (600, 6), (1250, 12)],
)
def test_the_limit_of_unreadable_files_is_of_each_class(total, limit):
    def check(failures: int) -> None:
        found = kinds(a={EIGHT_BITS: total - failures}, b={EIGHT_BITS: 10_000})
        acceptance.check_unreadable(broken(failures), found, ("a", "b"))

    check(limit)
    with pytest.raises(UserError, match=f"{limit + 1} of the {total} images of class a .* most "):
        check(limit + 1)


def test_a_class_that_no_file_of_can_be_read():
    with pytest.raises(
        UserError, match=r"no readable image in class b:\n  b/000\.png: cut"
    ) as error:
        acceptance.check_unreadable(broken(1, "b"), kinds(a={EIGHT_BITS: 9}), ("a", "b"))
    assert "--config.data.exclude" in str(error.value)


def test_what_is_left_out_for_other_reasons_is_no_failure():
    left_out = broken(50, reason="no image by its ending (.txt)")
    acceptance.check_unreadable(left_out, kinds(a={EIGHT_BITS: 5}), ("a",))


def test_files_that_hold_no_image_are_no_failure_but_a_class_of_them_is():
    left_out = broken(50, reason=NO_IMAGE)
    acceptance.check_unreadable(left_out, kinds(a={EIGHT_BITS: 1}), ("a",))
    with pytest.raises(UserError, match=r"no readable image in class a:\n  a/000\.png: cut"):
        acceptance.check_unreadable(left_out, kinds(a={}), ("a",))


def test_many_unreadable_files_are_counted_and_all_classes_named():
    left_out = broken(30) + broken(2, "b")
    found = kinds(a={EIGHT_BITS: 70}, b={EIGHT_BITS: 1})
    with pytest.raises(UserError) as error:
        acceptance.check_unreadable(left_out, found, ("a", "b"))
    lines = str(error.value).splitlines()
    assert lines[0].startswith("30 of the 100 images of class a")
    assert lines[20] == "  a/019.png: cut"
    assert lines[21] == "  and 10 more"
    assert lines[22].startswith("2 of the 3 images of class b")


def test_stacks_are_named_with_their_numbers():
    acceptance.check_stacks({})
    found = {f"a/{i}.tif": i + 2 for i in range(5)}
    shown = r": a/0\.tif \(2\), a/1\.tif \(3\), a/2\.tif \(4\) and 2 more\. "
    with pytest.raises(UserError, match=shown):
        acceptance.check_stacks(found)


@pytest.mark.parametrize(
    ("found", "window"),
    [
        (kinds(a={EIGHT_BITS: 3}, b={EIGHT_BITS: 9}), ""),
        (kinds(a={EIGHT_BITS: 1, SIXTEEN: 3}, b={EIGHT_BITS: 9, SIXTEEN: 1}), ""),
        # One scale holds wherever the lowest value is white.
        (kinds(a={CT: 3}, b={WHITE: 2}), ""),
        (kinds(a={CT: 3}, b={WHITE: 2}), "dicom"),
        # A window in one unit makes other kinds one.
        (kinds(a={CT: 3}, b={WHITE: 3, FLOAT: 1}), "-160,240"),
        (kinds(a={EIGHT_BITS: 3}, b={EIGHT_BITS: 9}), "0,100"),
        (kinds(a={CT: 3}, b={CT: 9}), "dicom"),
    ],
)
def test_kinds_that_pass(found, window):
    acceptance.check_kinds(found, window)


@pytest.mark.parametrize(
    ("found", "window", "message"),
    [
        (
            kinds(a={EIGHT_BITS: 3}, b={SIXTEEN: 4}),
            "",
            r"differ between classes \(a: 3 8-bit; b: 4 16-bit\)",
        ),
        (
            kinds(a={EIGHT_BITS: 3}, b={EIGHT_BITS: 4, SIXTEEN: 1}),
            "",
            r"\(a: 3 8-bit; b: 1 16-bit, 4 8-bit\).*data\.exclude",
        ),
        (
            kinds(a={SIXTEEN: 3}, b={SIXTEEN: 2}),
            "dicom",
            r'window=\'dicom\' is for grey DICOM .* \(a: 3 16-bit; b: .*data\.window="lo,hi"',
        ),
        (
            kinds(a={EIGHT_BITS: 3, CT: 1}, b={EIGHT_BITS: 3, CT: 1}),
            "-160,240",
            r"window='-160,240' can't hold .* \(a: 3 8-bit, 1 other than 8-bit; b: 3 8-bit, 1 ",
        ),
    ],
)
def test_kinds_that_are_refused(found, window, message):
    with pytest.raises(UserError, match=message):
        acceptance.check_kinds(found, window)


def test_every_image_has_a_name_of_its_own():
    acceptance.check_names(["a/1", "a/1#0000", "b/1"])
    with pytest.raises(UserError, match=r"a/1#0000 is .* stack a/1: rename the file \(2 such"):
        acceptance.check_names(["a/1#0000", "a/1#0001", "a/1#0000", "a/1#0001", "b/1"])


def check_brightness(make_facts, *brightest: int, window: str = "") -> None:
    """Of two images of class a and two of class b."""
    facts = make_facts(["1", "2", "3", "4"], brightest=brightest, label=(0, 0, 1, 1))
    acceptance.check_brightness(facts, ("a", "b"), window)


def test_one_bright_pixel_makes_a_class_of_images(make_facts):
    check_brightness(make_facts, 0, 32, 255, 0)


def test_a_grey_level_is_no_window_for_files_of_more_bits(make_facts):
    formats = ("PNG 16-bit", "PNG 16-bit")
    facts = make_facts(["1", "2"], brightest=(9, 16), label=(0, 1), formats=formats)
    with pytest.raises(UserError, match="look at its files"):
        acceptance.check_brightness(facts, ("a", "b"), "")


@pytest.mark.parametrize(
    ("brightest", "window", "message"),
    [
        # A window would hold for both classes, and make the bright one all white.
        ((255, 255, 16, 31), "", r"class b .* is 31 of 255\..*masks.*look at its files"),
        ((9, 3, 16, 31), "", r'class a .* is 9 of 255\..*masks.*data\.window="0,31"'),
        ((0, 0, 255, 255), "", "class a .* is 0 of 255.*look at its files"),
        ((255, 255, 16, 31), "0,4095", "class b .*look at its files, and at config.data.window"),
    ],
)
def test_a_class_that_is_nearly_black_is_refused(make_facts, brightest, window, message):
    with pytest.raises(UserError, match=message):
        check_brightness(make_facts, *brightest, window=window)
