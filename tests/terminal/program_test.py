"""The program itself, on a terminal and piped."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests.reliability import small

pytestmark = pytest.mark.usefixtures("heard")
ROOT = pathlib.Path(__file__).parents[2]
# Runs a command on a terminal of its own; this process is its keyboard and its screen.
ON_TERMINAL = "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
HIDES_CURSOR, OTHER_SCREEN = "\x1b[?25l", "\x1b[?1049h"


def command(tmp_path: pathlib.Path) -> list[str]:
    return [
        *(sys.executable, "main.py", "--config=configs/phantom_ddpm.py:smoke"),
        *(f"--workdir={tmp_path / 'run'}", f"--config.data.cache_dir={tmp_path / 'cache'}"),
        *("--stages=split,diffusion", "--config.diffusion.train.steps=60"),
        "--config.diffusion.train.val_every=60",
        *(f"--config.{field}={value}" for field, value in small.UNET.items()),
    ]


def environment(**changes: str) -> dict[str, str]:
    return os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40", **changes}


def type_ctrl_c_at(text: bytes, arguments: list[str], **changes: str) -> tuple[int, str]:
    """Runs a command on a terminal until it shows a text; its status and all that it showed."""
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *arguments], cwd=ROOT, env=environment(**changes),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        shown = b""
        while text not in shown and (more := process.stdout.read1()):
            shown += more
        process.stdin.write(b"\x03")
        process.stdin.flush()
        while more := process.stdout.read1():
            shown += more
    return process.returncode, shown.decode()


def test_ctrl_c_leaves_the_terminal_whole_and_says_how_to_go_on(tmp_path):
    arguments = command(tmp_path)
    status, shown = type_ctrl_c_at(b"/60 steps", arguments, LC_ALL="C")
    assert status == 130, shown
    assert "Traceback" not in shown
    assert shown.isascii()  # as the locale says
    assert HIDES_CURSOR not in shown
    assert OTHER_SCREEN not in shown
    shown = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", shown)
    # A half of a dash is a space in ASCII, wherever the bar stands.
    assert re.search(r"diffusion [- ]+\d+/60 steps", shown)
    assert re.search(r"diffusion  stopped +\d+ s", shown)
    last, going_on = shown.rstrip().split("\r\n")[-2:]
    assert last.startswith("stopped by SIGINT: what was saved is kept")
    assert going_on == f"  {shlex.join(arguments)}"

    # And so it goes on, here into a file.
    piped = subprocess.run(
        shlex.split(going_on), cwd=ROOT, env=environment(LC_ALL="C.UTF-8"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = piped.stdout + piped.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), ascii(said)
    assert "split: finished, nothing to do\n" in piped.stdout
    assert re.search(r"^diffusion: done in \d+ s$", piped.stdout, re.MULTILINE)
