import pytest

from synthmed_jax.files import read_json, write_json, write_text


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_a_name_that_is_no_text_is_written(tmp_path):
    write_text(tmp_path / "x.csv", "Jos\u00e9 M\udcfcller")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == r"José M\udcfcller"
