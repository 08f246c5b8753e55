"""Several processes at one run: what they make, and what becomes of it when one is killed."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

import numpy as np
import pytest

from synthmed_jax.data.synthetic import load_synthetic
from synthmed_jax.metrics_log import read_metrics
from tests.free_port import free_port
from tests.reliability import small

pytestmark = pytest.mark.reliability
ROOT = pathlib.Path(__file__).parents[2]
_DEVICES = 2  # of each process
_SETTINGS = {
    "tensorboard": False,
    "cpu_devices": _DEVICES,
    "classifier.small_images": True,
    "diffusion.train.batch_size": 8,
    "diffusion.train.steps": 10,
    "diffusion.train.val_every": 5,
    "generate.per_class": 16,
}
# The second is jax.distributed's own message, where the leader is gone.
_MESSAGES = (
    "has been silent for", "detected fatal errors", "can't be reached", "has ended:",
    "another host, with which it takes a step, is gone",
)  # fmt: skip


@dataclasses.dataclass
class Place:
    """Folders of the runs of this file."""

    root: pathlib.Path

    def start(
        self,
        name: str,
        hosts: int,
        devices: int = _DEVICES,
        of_last: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> list[subprocess.Popen]:
        """Starts the processes of a run up to `generate`; the first one leads.

        Args:
          of_last: an option that the last process alone is given.
          environment: of processes whose workdir is on remote storage (`copy_of`).
        """
        settings = small._SETTINGS | _SETTINGS | {"cpu_devices": devices}
        settings |= {"data.dir": self.root / "data", "data.cache_dir": self.root / "cache"}
        command = [sys.executable, "main.py", "--config=configs/folder_ddpm.py:smoke"]
        workdir = self.root / name if environment is None else f"s3://test/{name}"
        command += [f"--workdir={workdir}", "--stages=split,diffusion,generate"]
        command += [
            f"--config.{field}={value}"
            for field, value in settings.items()
            if not field.startswith("classifier.backbones")
        ]
        cluster = [f"--coordinator=127.0.0.1:{free_port()}", f"--num_processes={hosts}"]
        processes = []
        for i in range(hosts):
            own = [*cluster, f"--process_id={i}"] if hosts > 1 else []
            own += [of_last] if of_last and i == hosts - 1 else []
            with self.said(name, i).open("w") as stream:
                processes.append(
                    subprocess.Popen(
                        command + own,
                        cwd=ROOT,
                        stdout=stream,
                        stderr=subprocess.STDOUT,
                        env=environment,
                    )
                )
        return processes

    def copy_of(self, name: str, host: int) -> pathlib.Path:
        """A process's copy of a remote workdir, once there is one."""
        cache = self.root / "cache" if host == 0 else self.root / "cache/hosts" / str(host)
        return next((cache / "remote/workdirs").glob(f"*/{name}"), self.root / "nowhere")

    def said(self, name: str, index: int) -> pathlib.Path:
        """What a process printed."""
        return self.root / f"{name}.{index}.txt"

    def finish(self, name: str, hosts: int, devices: int = _DEVICES) -> None:
        """Runs to the end."""
        processes = self.start(name, hosts, devices)
        statuses = [process.wait() for process in processes]
        assert statuses == [0] * hosts, [self.said(name, i).read_text() for i in range(hosts)]

    def compare(self, name: str, wanted: str) -> None:
        """Asserts that two runs have the same numbers and images, but for rounding."""
        logs = [
            read_metrics(self.root / each / "diffusion/metrics.jsonl") for each in (name, wanted)
        ]
        for field in ("loss", "val_loss", "nearness"):
            found, expected = (np.array([r[field] for r in log if field in r]) for log in logs)
            np.testing.assert_allclose(found, expected, rtol=1e-4)
            print(f"{name}: {field} within {np.abs(found / expected - 1).max():.1e} of {wanted}'s")
        found, expected = (
            load_synthetic(self.root / each / "synthetic", small.CLASSES, (16, 16), channels=1)
            for each in (name, wanted)
        )
        assert found.files == expected.files
        differences = np.abs(found.images.astype(int) - expected.images)
        assert differences.max() <= 1  # grey level
        print(f"{name}: {(differences > 0).sum()} of {differences.size} pixels differ, by 1 level")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("hosts"))
    small.draw(place.root / "data")
    place.finish("one", 1, 4)
    return place


@pytest.mark.parametrize(("hosts", "devices"), [(2, 2), (4, 1)])
def test_hosts_make_what_one_does_with_as_many_devices(place: Place, hosts: int, devices: int):
    name = f"of{hosts}"
    place.finish(name, hosts, devices)
    place.compare(name, "one")


def test_four_hosts_of_two_devices_make_what_one_with_eight_does(place: Place):
    place.finish("one8", 1, 8)
    place.finish("of4x2", 4, 2)
    place.compare("of4x2", "one8")


@pytest.fixture
def remote(environment, storage) -> Mapping[str, str]:
    """Variables of processes that find the storage, which is empty."""
    return environment


@pytest.mark.parametrize("victim", [None, 0, 1])
def test_hosts_with_copies_of_a_remote_workdir_make_what_one_does(
    place: Place, remote: Mapping[str, str], storage, victim: int | None
):
    name = f"remote_{victim}"
    if victim is not None:
        processes = place.start(name, 2, environment=remote)
        while not list(place.copy_of(name, 0).glob("synthetic/*/0000[4-9].png")):
            assert processes[0].poll() is None, place.said(name, 0).read_text()
            time.sleep(0.05)
        processes[victim].kill()
        assert all(process.wait(timeout=120) != 0 for process in processes)
    processes = place.start(name, 2, environment=remote)
    statuses = [process.wait() for process in processes]
    assert statuses == [0, 0], [place.said(name, i).read_text() for i in range(2)]
    (place.root / name).symlink_to(place.copy_of(name, 0))
    place.compare(name, "one")
    # All that the leader has is there, and the other one has written nothing into its copy.
    there = json.loads(storage.cat_file(f"test/{name}/manifest.json"))["files"]
    assert {f"synthetic/{each}" for each in _files(place.root / name / "synthetic")} <= set(there)
    assert not list(place.copy_of(name, 1).glob("synthetic/*/*.png"))
    assert not storage.exists(f"test/{name}/lease.json")


def _files(folder: pathlib.Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")]


@pytest.mark.parametrize(("hosts", "victim"), [(2, 0), (2, 1), (4, 0), (4, 3)])
@pytest.mark.parametrize(
    ("stage", "sign"),
    [("diffusion", "diffusion/checkpoints/[4-9]"), ("generate", "synthetic/*/0000[4-9].png")],
)
def test_a_killed_host_ends_all_and_the_command_goes_on(
    place: Place, hosts: int, victim: int, stage: str, sign: str
):
    name = f"killed_{stage}_{hosts}_{victim}"
    processes = place.start(name, hosts, 4 // hosts)
    while not list((place.root / name).glob(sign)):
        assert processes[0].poll() is None, place.said(name, 0).read_text()
        time.sleep(0.05)
    processes[victim].kill()
    killed = time.monotonic()
    statuses = [process.wait(timeout=120) for process in processes]
    print(f"{name}: {time.monotonic() - killed:.0f} s, statuses {statuses}")
    assert statuses[victim] == -signal.SIGKILL
    for i in set(range(hosts)) - {victim}:
        said = place.said(name, i).read_text()
        assert statuses[i] not in (0, None), said
        assert any(message in said for message in _MESSAGES), said
    # Four hosts of one device go on with what two of two have begun, and the reverse.
    place.finish(name, 6 - hosts, 4 // (6 - hosts))
    place.compare(name, "one")


def test_a_signal_to_a_host_that_follows_saves_and_ends_all(place: Place):
    processes = place.start("asked", 2)
    while not list((place.root / "asked").glob("diffusion/checkpoints/[2-9]")):
        assert processes[0].poll() is None, place.said("asked", 0).read_text()
        time.sleep(0.05)
    processes[1].terminate()
    statuses = [process.wait(timeout=120) for process in processes]
    assert statuses[0] == 128 + signal.SIGTERM, place.said("asked", 0).read_text()
    assert statuses[1] != 0
    assert "host 0" in place.said("asked", 1).read_text()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--config.diffusion.train.learning_rate=0.5", "host 1 has other settings or other images"),
        ("--workdir={root}/elsewhere", "name a folder that all hosts share"),
    ],
)
def test_a_host_that_differs_is_refused(place: Place, option: str, message: str):
    processes = place.start("differs", 2, of_last=option.format(root=place.root))
    statuses = [process.wait(timeout=300) for process in processes]
    assert statuses == [1, 2]
    for i in range(2):
        assert message in place.said("differs", i).read_text()
