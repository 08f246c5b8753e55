import sys

import pytest

from synthmed_jax.data.formats.optional import require
from synthmed_jax.errors import UserError


def test_a_package_that_is_there_is_imported():
    assert require("json", "a.json").loads("[1]") == [1]


def test_a_package_that_is_missing_is_named_with_the_file(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    message = (
        "^a/b.dcm needs the package pydicom, which is not installed: "
        "pip install -r requirements-formats.txt$"
    )
    with pytest.raises(UserError, match=message):
        require("pydicom", "a/b.dcm")
