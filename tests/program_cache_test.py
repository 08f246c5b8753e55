import subprocess
import sys
import warnings
import zlib

import pytest

from synthmed_jax import program_cache

PROGRAM = """
import pathlib, sys, warnings
import jax
import jax.numpy as jnp
from synthmed_jax import program_cache
folder = pathlib.Path(sys.argv[1])
jax.config.update("jax_compilation_cache_dir", str(folder))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
with program_cache.mended(folder):
    print(jax.jit(lambda x: jnp.sin(x) @ x)(jnp.eye(3)).sum())
"""


@pytest.mark.parametrize("content", [b"", b"\0" * 50, zlib.compress(b"x" * 500)[:-3]])
def test_entries_that_can_not_be_unpacked_are_removed(tmp_path, content):
    (tmp_path / "a-cache").write_bytes(zlib.compress(b"program"))
    (tmp_path / "b-cache").write_bytes(content)
    (tmp_path / "c-cache").write_bytes(b"\x28\xb5\x2f\xfd and so on")
    assert program_cache.remove_damaged(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-cache", "c-cache"]


def test_nothing_is_looked_at_where_nothing_was_unreadable(tmp_path, capsys):
    (tmp_path / "b-cache").write_bytes(b"")
    with pytest.warns(UserWarning, match="another"), program_cache.mended(tmp_path):
        warnings.warn("another", UserWarning, stacklevel=1)
    assert (tmp_path / "b-cache").exists()
    assert capsys.readouterr().out == ""


def test_a_damaged_entry_of_jax_is_gone_after_one_run(tmp_path):
    def run():
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Error reading" not in done.stderr
        return done.stdout.splitlines()

    (first,) = run()
    entries = sorted(tmp_path.glob("*-cache"))
    assert entries
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-5])
    said = run()
    assert said[0] == first
    assert f"damaged entries of the compilation cache {tmp_path} are removed" in said[1]
    assert not set(entries) & set(tmp_path.glob("*-cache"))
    assert run() == [first]
    assert set(tmp_path.glob("*-cache")) >= set(entries)
