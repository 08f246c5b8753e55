import pytest

from synthmed_jax.data import cache_folder
from synthmed_jax.errors import UserError


def test_a_folder_that_can_be_written_is_made_and_left_empty(tmp_path):
    cache = tmp_path / "a" / "b"
    cache_folder.check_writable(cache, "")
    assert cache_folder.why_not_writable(cache) == ""
    assert list(cache.iterdir()) == []


def test_one_that_can_not_be_made_is_refused_with_the_reason(tmp_path):
    (tmp_path / "file").touch()
    assert cache_folder.why_not_writable(tmp_path / "file" / "b") == "Not a directory"
    with pytest.raises(
        UserError,
        match=r"file/b, where .* can't be written \(Not a directory\), and it is empty: set --conf",
    ):
        cache_folder.check_writable(tmp_path / "file" / "b", "it is empty")
