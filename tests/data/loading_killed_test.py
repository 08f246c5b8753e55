"""Killed runs in a cache, and others that are at work there: processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from synthmed_jax.data import loading

STOPPED = """
import dataclasses, os, signal, sys
from pathlib import Path
from synthmed_jax.data import decode, loading
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.data.sets import builders
def stop(*args):
    os.write(1, b"here\\n")  # TFDS's standard output is thrown away
    if sys.argv[4] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
    return whole(*args)
if sys.argv[3] == "preparing":
    calls, whole = [], builders.content_hash
    def late(digests):  # the second time all records have been written
        calls.append(1)
        return stop(digests) if len(calls) == 2 else whole(digests)
    builders.content_hash = late
else:
    whole, decode.fit_image = decode.fit_image, stop
settings = DataSettings(
    name="folder", dir=sys.argv[1], variant="Original", image_size=8, channels=3, square="pad",
    cache_dir=sys.argv[2], phantom_images=3, phantom_seed=0,
)
loading.load_images(settings)
"""


def start(root: Path, cache: Path, where: str, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STOPPED, root, cache, where, how]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def half_written(cache: Path) -> set[Path]:
    return {
        path for path in cache.rglob("*") if "incomplete." in str(path) or path.suffix == ".tmp"
    }


@pytest.mark.parametrize("where", ["preparing", "decoding"])
def test_a_run_removes_what_a_killed_one_has_left_in_the_cache(
    tmp_path, settings, make_images, where
):
    make_images(tmp_path / "set", *(f"{name}/{i}.png" for name in "ab" for i in range(3)))
    how = settings(dir=str(tmp_path / "set"))
    with start(tmp_path / "set", how.cache, where, "kill") as process:
        process.wait()
    assert half_written(how.cache)
    loaded = loading.load_images(how)
    assert not half_written(how.cache)
    again = loading.load_images(how)
    assert (again.images.images == loaded.images.images).all()


@pytest.mark.parametrize("where", ["preparing", "decoding"])
def test_what_another_run_is_at_work_on_stays(tmp_path, settings, make_images, where):
    make_images(tmp_path / "set", *(f"{name}/{i}.png" for name in "ab" for i in range(3)))
    make_images(tmp_path / "other", *(f"{name}/{i}.png" for name in "ab" for i in range(3)), seed=1)
    how = settings(dir=str(tmp_path / "set"))
    with start(tmp_path / "set", how.cache, where, "wait") as process:
        assert process.stdout.readline() == "here\n"
        at_work = half_written(how.cache)
        assert at_work
        loading.load_images(settings(dir=str(tmp_path / "other")))
        assert half_written(how.cache) == at_work
        process.stdin.close()
        assert process.wait() == 0
    assert not half_written(how.cache)
