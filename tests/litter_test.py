import subprocess
import sys
from pathlib import Path

from synthmed_jax import checkpoint, litter
from synthmed_jax.files import write_bytes


def make(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"half")


def files_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_what_is_half_written_goes_and_all_else_stays(tmp_path):
    other = ("synthetic/a/00001.png", "tune/x.tmp", ".lock", "a.7.tmp", ".notes.tmp", "b/.tmp")
    litter_of_runs = (
        "split/.split.json.4711.tmp",
        "synthetic/a/.00002.png.1.tmp",
        "diffusion/checkpoints/20.orbax-checkpoint-tmp/state/d/1",
        "diffusion/best/20.orbax-checkpoint-tmp-17/x",
    )
    make(tmp_path / "run", *other, *litter_of_runs)
    make(tmp_path / "elsewhere", ".x.1.tmp")
    (tmp_path / "run/linked").symlink_to(tmp_path / "elsewhere")
    litter.remove_from_workdir(tmp_path / "run")
    assert files_in(tmp_path / "run") == set(other)
    assert files_in(tmp_path / "elsewhere") == {".x.1.tmp"}
    assert not list((tmp_path / "run").glob("diffusion/*/*"))
    litter.remove_from_workdir(tmp_path / "nowhere")


KILLED = """
import os, signal, sys
from pathlib import Path
from synthmed_jax import files
workdir = Path(sys.argv[1])
with files.replacing(workdir / "split" / "split.json") as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_names_of_temporary_files_are_known(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = files_in(tmp_path)
    write_bytes(tmp_path / "whole", b"")
    litter.remove_from_workdir(tmp_path)
    assert left.startswith("split/.split.json.")
    assert files_in(tmp_path) == {"whole"}


KILLED_WHILE_SAVING = """
import os, signal, sys
from pathlib import Path
import numpy as np
from synthmed_jax import checkpoint
rename = os.rename
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
os.rename = os.replace = Path.rename = Path.replace = die
checkpoint.save(Path(sys.argv[1]), 1, {"w": np.zeros(3)})
"""


def test_the_names_of_unfinished_checkpoints_are_known(tmp_path):
    whole = tmp_path / "whole"
    subprocess.run([sys.executable, "-c", KILLED_WHILE_SAVING, tmp_path / "killed"], check=False)
    assert files_in(tmp_path / "killed")
    checkpoint.save(whole, 1, {"w": 0.0})
    before = files_in(whole)
    litter.remove_from_workdir(tmp_path)
    assert not files_in(tmp_path / "killed")
    assert files_in(whole) == before


def test_a_disk_without_locks_loses_nothing(tmp_path, monkeypatch):
    make(tmp_path, "arrays/.x.u8.1.tmp")

    def refuse(file, how):
        raise OSError("no locks available")

    monkeypatch.setattr(litter.fcntl, "flock", refuse)
    with litter.at_work_in_cache(tmp_path):
        assert files_in(tmp_path) == {".lock", "arrays/.x.u8.1.tmp"}
