import warnings
import zlib

import jax
import pytest

from synthmed_jax import kept_programs


@pytest.fixture
def shown(monkeypatch):
    """The warnings that are shown."""
    found = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: found.append(str(message)))
    return found


@pytest.fixture
def kept(tmp_path, shown):
    """A folder that programs are kept in."""
    before = dict(jax.config.values)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    kept_programs.keep(tmp_path / "unused")
    yield tmp_path
    for name in ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"):
        jax.config.update(name, before[name])


def test_a_program_that_jax_can_not_read_is_removed_and_said(kept, shown, capsys):
    whole = zlib.compress(bytes(1000))
    contents = {
        "whole": whole, "cut": whole[:10], "empty": b"", "zstandard": b"\x28\xb5\x2f\xfdxyz"
    }  # fmt: skip
    for name, content in contents.items():
        (kept / f"{name}-cache").write_bytes(content)
    warnings.showwarning(UserWarning("another matter"), UserWarning, "file.py", 1)
    assert len(list(kept.iterdir())) == 4
    warning = UserWarning("Error reading persistent compilation cache entry for 'jit_f': error")
    warnings.showwarning(warning, UserWarning, "file.py", 1)
    assert {path.name for path in kept.iterdir()} == {"whole-cache", "zstandard-cache"}
    said = capsys.readouterr().out
    assert f"{kept / 'cut-cache'} is damaged: this program is compiled anew" in said
    warnings.showwarning(warning, UserWarning, "file.py", 1)  # nothing is left to be mended
    assert shown == ["another matter", str(warning)]


def test_the_folder_of_the_environment_goes_first(kept):
    assert jax.config.values["jax_compilation_cache_dir"] == str(kept)
    assert not (kept / "unused").exists()
