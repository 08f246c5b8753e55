import os
import pathlib
import shutil
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax import checkpoint
from synthmed_jax.errors import UserError

STATE = {
    "w": jnp.arange(6.0).reshape(2, 3),
    "n": jnp.asarray(7, jnp.int32),
    "nested": ({"b": jnp.array([True, False])},),
}


def test_round_trip_into_abstract_arrays(tmp_path):
    sha256 = checkpoint.save(tmp_path, 3, STATE)
    like = jax.eval_shape(lambda: STATE)
    loaded = checkpoint.restore(tmp_path, like).state
    assert checkpoint.digest(loaded) == sha256 == checkpoint.digest(STATE)
    jax.tree.map(np.testing.assert_array_equal, loaded, STATE)
    assert loaded["n"].dtype == np.int32


def test_the_latest_two_are_kept(tmp_path):
    assert checkpoint.latest_step(tmp_path / "none") is None
    for step in (1, 2, 5):
        checkpoint.save(tmp_path, step, STATE | {"n": jnp.asarray(step, jnp.int32)})
    assert checkpoint.latest_step(tmp_path) == 5
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.isdigit()) == ["2", "5"]
    assert int(checkpoint.restore(tmp_path, STATE, 2).state["n"]) == 2


def test_the_digest_sees_values_types_and_names():
    digests = {
        checkpoint.digest(tree)
        for tree in (
            {"a": np.zeros(2, np.float32)},
            {"a": np.array([0, 1e-30], np.float32)},
            {"a": np.zeros(2, np.int32)},
            {"a": np.zeros((2, 1), np.float32)},
            {"b": np.zeros(2, np.float32)},
        )
    }
    assert len(digests) == 5


def test_no_checkpoint_says_so(tmp_path):
    with pytest.raises(UserError, match="no complete checkpoint"):
        checkpoint.restore(tmp_path / "none", STATE)


def test_flipped_bits_are_noticed(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 1, STATE)
    original = checkpoint.ocp.load

    def flipped(*args, **kwargs):
        state = original(*args, **kwargs)
        return state | {"w": state["w"].at[0, 0].add(1e-6)}

    monkeypatch.setattr(checkpoint.ocp, "load", flipped)
    with pytest.raises(UserError, match="damaged"):
        checkpoint.restore(tmp_path, STATE)


def test_nothing_is_saved_before_what_lies_there(tmp_path):
    checkpoint.save(tmp_path, 4, STATE)
    checkpoint.save(tmp_path, 4, STATE)
    with pytest.raises(UserError, match="holds a later checkpoint than 3"):
        checkpoint.save(tmp_path, 3, STATE)


def test_no_room_is_seen_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=29))
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(tmp_path / "c", 1, STATE)  # 6 * 4 + 4 + 2 bytes
    assert not (tmp_path / "c").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=30))
    checkpoint.save(tmp_path / "c", 1, STATE)


@pytest.mark.parametrize("damaged", [1, 2], ids=["the older one", "the newest"])
@pytest.mark.parametrize(
    ("of", "to"),
    [
        (b"commit_timestamp_nsecs", b"commit_timestamp_nrecs"),  # orbax refuses to list such ones
        (b"item_handlers", b"item_hendlers"),
        (b'"custom_metadata"', b'"custom_netadata"'),
        (b'"sha256": "', b'"sha256": "0'),
        (b"{", b""),
    ],
)
def test_what_one_checkpoint_says_of_itself_is_in_no_others_way(tmp_path, damaged, of, to):
    for step in (1, 2):
        checkpoint.save(tmp_path, step, STATE | {"n": jnp.asarray(step, jnp.int32)})
    path = tmp_path / str(damaged) / "_CHECKPOINT_METADATA"
    content = path.read_bytes()
    assert of in content
    path.write_bytes(content.replace(of, to))
    found = checkpoint.resume(tmp_path, STATE)
    assert found.step == int(found.state["n"]) == (2 if damaged == 1 else 1)
    checkpoint.save(tmp_path, 3, STATE)
    assert checkpoint.latest_step(tmp_path) == 3
    checkpoint.restore(tmp_path, STATE)


READS = """
import sys, pathlib
import jax.numpy as jnp
from synthmed_jax import checkpoint
from synthmed_jax.errors import Damaged
state = {f"w{i}": jnp.full((50, i + 1), i, jnp.float32) for i in range(20)}
for folder, name in (("one", "manifest.ocdbt"), ("two", "d/*")):
    checkpoint.save(pathlib.Path(folder), 1, state)
    for path in pathlib.Path(folder).rglob(name):
        path.write_bytes(b"")
    try:
        checkpoint.restore(pathlib.Path(folder), state)
    except Damaged as error:
        print(error)
"""


def test_a_damaged_checkpoint_is_told_of_once(tmp_path):
    """Orbax's tasks would each print a traceback."""
    env = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", READS], capture_output=True, text=True, check=True, cwd=tmp_path,
        env=env,
    )  # fmt: skip
    for line, folder in zip(run.stdout.splitlines(), ("one", "two"), strict=True):
        assert line.startswith(f"{folder}/1 is damaged: it can't be read")
    assert "Traceback" not in run.stderr
