"""A workdir on an object store that answers as S3 does: killed here, and gone on with elsewhere."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tests.reliability import comparing, counts

pytestmark = [pytest.mark.reliability, pytest.mark.usefixtures("heard")]

ROOT = pathlib.Path(__file__).parents[2]
URL = "s3://test/run"
# The scale smoke, but for a training that is long enough to be killed in the middle.
SETTINGS = (
    "--config=configs/phantom_ddpm.py:smoke",
    "--stages=split,diffusion",
    "--config.diffusion.train.steps=120",
    "--config.diffusion.train.val_every=10",
)


def command(cache, workdir, *more):
    caches = [f"--config.data.cache_dir={cache}", f"--workdir={workdir}"]
    return [sys.executable, "main.py", *SETTINGS, *caches, *more]


def run(environment, *arguments):
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def begin(environment, storage, cache):
    """Starts a run, and returns it when the first checkpoint is pushed."""
    arguments = command(cache, URL, "--push_minutes=0.05")
    process = subprocess.Popen(
        arguments, cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = time.monotonic() + 500
    while not any(name.startswith("diffusion/checkpoints/") for name in pushed(storage)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


def pushed(storage):
    if not storage.exists("test/run/manifest.json"):
        return {}
    return json.loads(storage.cat_file("test/run/manifest.json"))["files"]


def copy_of(cache):
    (root,) = (cache / "remote" / "workdirs").glob("*/run")
    return root


def test_a_killed_run_goes_on_on_another_machine(environment, storage, tmp_path, request):
    first, second, alone = (tmp_path / name for name in ("first", "second", "alone"))
    process = begin(environment, storage, first)
    process.kill()
    said = process.communicate()[0]
    assert process.returncode == -signal.SIGKILL
    assert "diffusion: done" not in said
    status, said = run(environment, second, URL)
    assert status == 2
    assert "another run is at work in s3://test/run: process" in said
    status, said = run(environment, second, URL, "--take_over")
    assert status == 0, said
    assert "split: finished, nothing to do" in said
    # The training went on from a checkpoint.
    assert "files fetched" in said
    assert not storage.exists("test/run/lease.json")
    status, of_alone = run(environment, alone, tmp_path / "local")
    assert status == 0, of_alone
    others = comparing.difference(
        comparing.contents(copy_of(second)), comparing.contents(tmp_path / "local")
    )
    counts.add(request, "killed, gone on elsewhere", "different" if others else "equal")
    assert not others
    # Nobody's secret, and what the first machine has is set aside.
    for path in copy_of(second).rglob("*"):
        assert not path.is_file() or b"thesecret" not in path.read_bytes()
    status, said = run(environment, first, URL)
    assert status == 0, said
    assert "computed here and not pushed is kept in" in said or "files fetched" in said
    assert "diffusion: finished, nothing to do" in said


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_asked_to_end_pushes_and_lets_go(
    environment, storage, tmp_path, number, status
):
    process = begin(environment, storage, tmp_path / "first")
    process.send_signal(number)
    said = process.communicate()[0]
    assert process.returncode == status, said
    assert "pushing to s3://test/run" in said
    assert "NOT PUSHED" not in said
    assert not storage.exists("test/run/lease.json")
    again, said = run(environment, tmp_path / "second", URL)
    assert again == 0, said


def test_mistakes_are_told_in_a_sentence(environment, storage, tmp_path):
    cases = [
        ("s3://nowhere/run", environment, "there is no such bucket or folder"),
        (
            URL,
            environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "can't be reached",
        ),
        (
            URL,
            {k: v for k, v in environment.items() if k not in _KEYS}
            | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)},
            "no credentials were found",
        ),
    ]
    for url, variables, message in cases:
        status, said = run(variables, tmp_path / "cache", url)
        assert (status, message in said) == (2, True), said
        assert "Traceback" not in said


_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
