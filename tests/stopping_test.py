"""Signals: what is asked to end saves first, says how to go on, and loses nothing."""

import csv
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from synthmed_jax import checkpoint, stopping
from synthmed_jax.files import read_json
from tests.reliability import small

ROOT = pathlib.Path(__file__).parents[1]
LAST = "what was saved is kept, and the same command goes on from here:\n  {}\n"


pytestmark = pytest.mark.usefixtures("heard")


def status_of(action) -> int:
    """How the program ends whose work is the action."""

    def work():
        with stopping.told():
            action()

    with pytest.raises(SystemExit) as raised:
        work()
    return raised.value.code


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_at_once_where_nothing_waits_to_be_saved(number, status, capsys):
    done = []

    def work():
        signal.raise_signal(number)
        done.append("more")

    assert status_of(work) == status
    last = LAST.format(stopping.command())
    assert capsys.readouterr().err == f"stopped by {number.name}: {last}"
    assert done == []


@pytest.mark.parametrize(
    ("argv", "started_with", "said"),
    [
        (["main.py", "--a=b c"], ["python", "main.py", "--a=b c"], "python main.py '--a=b c'"),
        (["main.py"], ["python3", "-X", "dev", "main.py"], "python3 -X dev main.py"),
        # What pip installs: found by its name, or not.
        (["{bin}/synthmed", "--x=1"], ["python", "{bin}/synthmed", "--x=1"], "synthmed --x=1"),
        (["{tmp}/synthmed", "-x"], ["python", "{tmp}/synthmed", "-x"], "python {tmp}/synthmed -x"),
    ],
)
def test_the_command_is_said_as_a_shell_takes_it(argv, started_with, said, monkeypatch, tmp_path):
    places = {"bin": tmp_path / "bin", "tmp": tmp_path}
    for folder in places.values():
        folder.mkdir(exist_ok=True)
        (folder / "synthmed").touch(0o755)
    monkeypatch.setenv("PATH", str(places["bin"]))
    monkeypatch.setattr(sys, "argv", [each.format(**places) for each in argv])
    monkeypatch.setattr(sys, "orig_argv", [each.format(**places) for each in started_with])
    assert stopping.command() == said.format(**places)


def test_a_loop_goes_on_to_where_it_saves(capsys):
    done = []

    def work():
        with stopping.deferred():
            for step in range(5):
                if step == 2:
                    assert not stopping.asked()
                    signal.raise_signal(signal.SIGTERM)
                    assert stopping.asked()
                done.append(step)
                stopping.check()

    assert status_of(work) == 143
    assert done == [0, 1, 2]
    assert "stopping: saving first, for 30 s at most" in capsys.readouterr().err
    assert not stopping.asked()


def test_a_loop_that_does_not_ask_ends_at_its_own_end():
    done = []

    def work():
        with stopping.deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("loop")
        done.append("more")

    assert status_of(work) == 130
    assert done == ["loop"]


def test_a_second_signal_ends_wherever_the_run_is():
    done = []

    def work():
        with stopping.deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("first")
            signal.raise_signal(signal.SIGTERM)
            done.append("second")

    assert status_of(work) == 143
    assert done == ["first"]


def test_saving_may_not_take_longer_than_it_says(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE_SECONDS", 0.05)
    started = time.monotonic()

    def work():
        with stopping.deferred():
            signal.raise_signal(signal.SIGTERM)
            time.sleep(60)

    assert status_of(work) == 143
    assert time.monotonic() - started < 30


def test_handlers_are_those_of_before_at_the_end_and_what_is_ignored_stays_so():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup does
    try:
        with stopping.told():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGTERM) != before[1]
    finally:
        signal.signal(signal.SIGINT, before[0])
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_without_handlers_a_loop_never_hears_of_it():
    with pytest.raises(KeyboardInterrupt), stopping.deferred():  # as in a notebook
        signal.raise_signal(signal.SIGINT)
    stopping.check()


# The program itself, ended in a long stage.
ALL, FIRST = "split,diffusion,generate,classify", "split,diffusion"


def command(workdir: pathlib.Path, cache: pathlib.Path, stages: str = ALL) -> list[str]:
    return [
        *(sys.executable, "main.py", "--config=configs/phantom_ddpm.py:smoke"),
        *(f"--workdir={workdir}", f"--config.data.cache_dir={cache}"),
        f"--stages={stages}",
        *("--config.diffusion.train.steps=80", "--config.diffusion.train.val_every=60"),
        *("--config.generate.per_class=24", "--config.classifier.arms=synthetic"),
        *("--config.classifier.steps=32", "--config.classifier.max_epochs=4"),
        *(f"--config.{field}={value}" for field, value in small.UNET.items()),
    ]


def lines(path: pathlib.Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


def run_until(there, number, workdir, cache, stages=ALL) -> tuple[int, str]:
    """Starts the program, sends it a signal when something is there; its status and its stderr."""
    error = workdir.parent / "stderr"
    with error.open("w") as stream:
        process = subprocess.Popen(
            command(workdir, cache, stages), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stream
        )
        try:
            until = time.monotonic() + 300
            while not there() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            process.send_signal(number)
            status = process.wait(60)
        finally:
            process.kill()
    return status, error.read_text()


def end_diffusion(workdir: pathlib.Path, cache: pathlib.Path, stages: str) -> None:
    """Starts the program and ends it in its first long stage, which saves."""
    log = workdir / "diffusion" / "metrics.jsonl"
    status, said = run_until(lambda: lines(log) >= 1, signal.SIGTERM, workdir, cache, stages)
    last = LAST.format(shlex.join(command(workdir, cache, stages)))
    assert (status, said.endswith(f"stopped by SIGTERM: {last}")) == (143, True), said
    assert "Traceback" not in said
    step = checkpoint.latest_step(workdir / "diffusion" / "checkpoints")
    assert 0 < step < 80
    assert re.findall(r"(\d+)/80", said)[-1] == str(step)  # the step that it was in
    assert read_json(workdir / "run.json")["stages"]["diffusion"]["status"] == "stopped"


def test_a_stage_that_is_ended_saves_and_goes_on_to_the_same_bytes(tmp_path):
    workdir, cache, whole = tmp_path / "run", tmp_path / "cache", tmp_path / "whole"
    end_diffusion(workdir, cache, FIRST)
    for folder in (workdir, whole):
        subprocess.run(command(folder, cache, FIRST), cwd=ROOT, check=True, capture_output=True)
    best = [(folder / "diffusion" / "best.json").read_bytes() for folder in (workdir, whole)]
    assert best[0] == best[1]


@pytest.mark.reliability
def test_every_long_stage_saves_and_goes_on_to_the_same_bytes(tmp_path):
    workdir, cache, whole = tmp_path / "run", tmp_path / "cache", tmp_path / "whole"
    fold = workdir / "classify/resnet18/synthetic/24-inf-s0/training0"

    def drawn() -> list[dict[str, str]]:
        path = workdir / "synthetic" / "manifest.csv"
        if not path.exists():
            return []
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream))

    last = LAST.format(shlex.join(command(workdir, cache)))
    end_diffusion(workdir, cache, ALL)

    status, said = run_until(lambda: len(drawn()) >= 4, signal.SIGINT, workdir, cache)
    assert (status, said.endswith(f"stopped by SIGINT: {last}")) == (130, True), said
    assert "Traceback" not in said
    count = len(drawn())
    assert 4 <= count < 96
    assert len(list((workdir / "synthetic").rglob("*.png"))) == count  # no block was lost

    status, said = run_until(
        lambda: lines(fold / "metrics.jsonl") >= 1, signal.SIGTERM, workdir, cache
    )
    assert (status, said.endswith(f"stopped by SIGTERM: {last}")) == (143, True), said
    assert "Traceback" not in said
    epochs = checkpoint.latest_step(fold / "resume")
    assert 1 <= epochs < 4
    assert lines(fold / "metrics.jsonl") == epochs

    for folder in (workdir, whole):
        subprocess.run(command(folder, cache), cwd=ROOT, check=True, capture_output=True)
    for name in ("diffusion/best.json", "synthetic/manifest.csv"):
        assert (workdir / name).read_bytes() == (whole / name).read_bytes(), name
    for each in (fold, fold.parent / "training1"):
        other = whole / each.relative_to(workdir)
        mine, theirs = read_json(each / "result.json"), read_json(other / "result.json")
        for result in (mine, theirs):
            del result["seconds"], result["images_per_second"], result["log"], result["seal"]
        assert mine == theirs
        ((one, first), (two, second)) = (
            (path, next(path.glob("[0-9]*")))
            for path in (each / "checkpoint", other / "checkpoint")
        )
        assert first.name == second.name
        sums = [read_sum(path) for path in (first, second)]
        assert sums[0] == sums[1], (one, two)


def read_sum(folder: pathlib.Path) -> str:
    """sha256 of the arrays, as the checkpoint's metadata has it."""
    found = {
        match
        for path in folder.rglob("*")
        if path.is_file()
        for match in re.findall(rb'"sha256": ?"([0-9a-f]{64})"', path.read_bytes())
    }
    (sha256,) = found
    return sha256.decode()


def test_a_signal_while_it_starts_has_no_traceback(tmp_path):
    process = subprocess.Popen(
        [*command(tmp_path / "run", tmp_path / "cache"), "--dry_run"], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    )  # fmt: skip
    for line in process.stderr:
        if "numpy" in line:  # it imports JAX, for seconds
            process.send_signal(signal.SIGINT)
            break
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    going_on = shlex.join([*command(tmp_path / "run", tmp_path / "cache"), "--dry_run"])
    assert said.endswith(f"stopped by SIGINT: {LAST.format(going_on)}")
    assert "Traceback" not in said
