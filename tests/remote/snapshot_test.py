"""The state of one instant, taken while another process changes everything."""

import itertools
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import pytest

from synthmed_jax.files import sha256, write_text
from synthmed_jax.remote import snapshot

# Writes `content`, then `marker`, which tells of it, then removes both in the other order.
WRITER = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[2])
from synthmed_jax.files import write_text
root = pathlib.Path(sys.argv[1])
for round in range(10**9):
    for i in range(5):
        write_text(root / f"{i}" / "content", f"{round} {i}")
    write_text(root / "marker", f"{round}")
    time.sleep(0.05)
    (root / "marker").unlink()
    for i in range(5):
        (root / f"{i}" / "content").unlink()
"""


def never(digest):
    return False


def test_what_is_copied_is_the_state_of_one_instant(tmp_path):
    root = tmp_path / "run"
    repository = str(pathlib.Path(__file__).parents[2])
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root), repository])
    try:
        while not root.exists():
            time.sleep(0.01)
        known, markers = {}, 0
        for number in range(400):
            if markers == 5:
                break
            staging = tmp_path / f"staging{number}"
            known = snapshot.take(root, staging, known, never)
            assert known is not None
            content = {p: (staging / e.sha256).read_text() for p, e in known.items()}
            if "marker" in content:
                markers += 1
                round_ = content["marker"]
                assert content == {"marker": round_} | {
                    f"{i}/content": f"{round_} {i}" for i in range(5)
                }
        assert markers == 5
    finally:
        writer.kill()
        writer.wait()


def test_a_workdir_that_never_stands_still_is_not_taken(tmp_path, monkeypatch):
    numbers = iter(range(10**9))
    monkeypatch.setattr(snapshot, "_PAUSE_SECONDS", 0.0)
    real = snapshot._stage

    def stage(path, staging):
        digest = real(path, staging)
        path.write_text(f"changed {next(numbers)}" * 3)
        path.with_name(f"{next(numbers)}").write_text("new")
        return digest

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").write_text("a")
    monkeypatch.setattr(snapshot, "_ATTEMPTS", 5)
    monkeypatch.setattr(snapshot, "_stage", stage)
    assert snapshot.take(tmp_path / "run", tmp_path / "staging", {}, never) is None


def test_a_run_that_writes_without_a_pause_is_held_for_a_look(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "_ATTEMPTS", 3)
    root, ended, renewed = tmp_path / "run", threading.Event(), []

    def write():
        for number in itertools.count():
            if ended.is_set():
                return
            write_text(root / f"{number}", f"{number}")
            if number % 5 == 4:
                write_text(root / "manifest", f"{number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not (root / "500").exists():
            time.sleep(0.01)
        found = snapshot.take(root, tmp_path / "staging", {}, never, lambda: renewed.append(1))
    finally:
        ended.set()
        writer.join()
    assert found is not None
    told = int((tmp_path / "staging" / found["manifest"].sha256).read_text())
    numbers = {int(path) for path in found if path != "manifest"}
    assert numbers >= set(range(told + 1))
    assert max(numbers) <= told + 5
    assert len(renewed) >= len(numbers)  # a lease does not lapse meanwhile


def test_a_file_that_is_known_is_not_read_again_and_one_that_is_there_not_kept(tmp_path):
    root, staging = tmp_path / "run", tmp_path / "staging"
    root.mkdir()
    (root / "a").write_bytes(b"a")
    first = snapshot.take(root, staging, {}, never)
    assert first["a"].sha256 == sha256(b"a")
    shutil.rmtree(staging)
    assert snapshot.take(root, staging, first, lambda digest: True) == first
    assert list(staging.iterdir()) == []
    assert snapshot.take(root, staging, first, never) == first
    assert (staging / sha256(b"a")).read_bytes() == b"a"


@pytest.mark.parametrize("linked", [True, False])
def test_a_staged_file_stays_as_it_was_when_another_takes_its_place(tmp_path, monkeypatch, linked):
    monkeypatch.setattr(snapshot, "_COPIED_BYTES", 0 if linked else 10**9)
    root, staging = tmp_path / "run", tmp_path / "staging"
    root.mkdir()
    (root / "a").write_bytes(b"first")
    snapshot.take(root, staging, {}, never)
    (root / "new").write_bytes(b"second")
    (root / "new").replace(root / "a")
    assert (staging / sha256(b"first")).read_bytes() == b"first"
