"""Which addresses are taken, and that no secret is repeated."""

import pathlib

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.remote import address


@pytest.mark.parametrize("given", ["s3://b/run", "gs://b", "memory://x", "file:///a", "a+b://c"])
def test_addresses_are_told_from_folders(given):
    assert address.is_address(given)
    assert address.check(f"{given}/", "--workdir") == given


@pytest.mark.parametrize(
    "given", ["/runs/mine", "s3:/b/run", "run", "~/run", "", "C:/x", ".", "/a::b"]
)
def test_folders_stay_folders(given):
    assert not address.is_address(given)
    assert not address.is_address(pathlib.Path(given))


@pytest.mark.parametrize(
    "given",
    [
        "s3://AKIA:secret@b/run",
        "ftp://me:se/cret@host/run",
        "https://host/run?sig=secret",
        "s3://b/run#secret",
    ],
)
def test_a_secret_is_refused_and_not_repeated(given):
    with pytest.raises(UserError, match=r"^--workdir=") as raised:
        address.check(given, "--workdir")
    assert "AKIA" not in str(raised.value)
    assert "cret" not in str(raised.value)


def test_azures_containers_are_no_secret():
    url = "abfs://container@account.dfs.core.windows.net/run"
    assert address.check(url, "--workdir") == url


@pytest.mark.parametrize("given", ["s3://", "s3:///", "simplecache::s3://b/run"])
def test_what_names_no_folder_is_refused(given):
    with pytest.raises(UserError, match=r"^--workdir"):
        address.check(given, "--workdir")


def test_copies_lie_under_names_that_a_disk_takes(tmp_path):
    assert address.name_of("s3://b/my run") == "my_run"
    assert address.name_of("s3://b/..") == "folder"
    places = {address.place_of(tmp_path, "data", url) for url in ("s3://a/run", "s3://b/run")}
    assert len(places) == 2
    assert all(tmp_path in place.parents for place in places)
