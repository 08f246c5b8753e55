import pathlib
import subprocess
import sys
import threading

import pytest

from synthmed_jax.claims import Claims


@pytest.fixture
def two(tmp_path):
    with Claims(tmp_path / "locks") as one, Claims(tmp_path / "locks") as other:
        yield one, other


def test_a_piece_is_one_process_s_until_it_lets_go(two):
    one, other = two
    assert one.claim("a/b")
    assert not other.claim("a/b")
    assert other.claim("a/c")
    one.release(lambda piece: piece != "a/b")
    assert not other.claim("a/b")
    one.release()
    assert other.claim("a/b")
    assert not one.claim("a/c")


def test_all_is_let_go_of_at_the_end(tmp_path):
    with Claims(tmp_path) as one:
        assert one.claim("a")
        assert one.join("x") is None
    with Claims(tmp_path) as other:
        assert other.claim("a")
        assert other.join("y") is None


def test_the_first_says_what_all_are_here_for(tmp_path):
    with Claims(tmp_path) as other:
        with Claims(tmp_path) as one:
            assert one.join("the first\n") is None
            assert other.join("the second") == "the first\n"
        # Somebody is still present.
        with Claims(tmp_path) as third:
            assert third.join("the third") == "the first\n"
    with Claims(tmp_path) as later:
        assert later.join("4") is None
        with Claims(tmp_path) as last:
            assert last.join("5") == "4"


def test_blocks_in_order_do_not_overlap(tmp_path):
    inside, seen = [], []

    def work(claims):
        for _ in range(50):
            with claims.in_order():
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work, args=(Claims(tmp_path),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 200


KILLED = """
import os, pathlib, signal, sys
from synthmed_jax.claims import Claims
claims = Claims(pathlib.Path(sys.argv[1]))
assert claims.claim("a")
assert claims.join("x") is None
print("has it", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_has_claimed_nothing(tmp_path):
    root = pathlib.Path(__file__).parents[1]
    command = [sys.executable, "-c", KILLED, tmp_path]
    with (
        subprocess.Popen(command, cwd=root, stdin=-1, stdout=-1) as process,
        Claims(tmp_path) as claims,
    ):
        assert process.stdout.readline() == b"has it\n"
        assert not claims.claim("a")
        process.kill()
        process.wait()
        assert claims.claim("a")
        assert claims.join("y") is None
