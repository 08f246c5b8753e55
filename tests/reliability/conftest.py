import importlib.util
import os
import socket
import subprocess
import sys
import time

import pytest

from tests.free_port import free_port
from tests.reliability import counts
from tests.reliability import world as world_module


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The unbroken run; each process of a session makes its own."""
    return world_module.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Variables of programs that find the storage; it is moto's, in a process of its own."""
    missing = [name for name in ("moto", "s3fs", "flask") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(
            f"{', '.join(missing)} can't be imported: pip install 'moto[server]' s3fs brings an "
            "object store to test with"
        )
    port = free_port()
    variables = os.environ | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "thesecret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        for _ in range(600):
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield variables
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def storage(environment, monkeypatch):
    """The storage as a file system, with an empty bucket."""
    for name in environment:
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, environment[name])
    s3fs = importlib.import_module("s3fs")
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    if files.exists("test"):
        files.rm("test", recursive=True)
    files.mkdir("test")
    return files


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the cases came to."""
    reports = [each for group in terminalreporter.stats.values() for each in group]
    lines = counts.table(each for each in reports if isinstance(each, pytest.TestReport))
    if lines:
        terminalreporter.section("reliability")
    for line in lines:
        terminalreporter.write_line(line)
