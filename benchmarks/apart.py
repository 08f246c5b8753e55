"""Contestants of a race in processes of their own.

Libraries in one process share OpenMP. Where their threads are more than the cores, its barriers put
threads to sleep, and each library is slower than alone: PyTorch by a third, beside a network of
ours on one device of two threads.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from benchmarks import duel

# What is known of a contestant, such as its number of parameters.
Facts = dict[str, float]
# (does the work of one call and waits until it is done, what is known of it).
Made = tuple[Callable[[], None], Facts]


class Contestant(NamedTuple):
    """A contestant that is ready.

    Attributes:
      turn: as `duel.run` takes it.
      facts: what its maker said.
    """

    turn: duel.Turn
    facts: Facts


def start(makers: Mapping[str, Callable[[], Made]]) -> dict[str, Contestant]:
    """Starts a process for each of the makers, calls it there, and waits until it is done.

    Args:
      makers: name -> what makes the contestant; a function of a module, or a partial of one, with
        arguments that can be pickled.
    """
    return {name: _start(name, make) for name, make in makers.items()}


def turns(contestants: Mapping[str, Contestant]) -> dict[str, duel.Turn]:
    """What `duel.run` takes."""
    return {name: contestant.turn for name, contestant in contestants.items()}


def _start(name: str, make: Callable[[], Made]) -> Contestant:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=_work, args=(there, make), daemon=True).start()
    there.close()
    return Contestant(functools.partial(_turn, here, name), _receive(here, name))


def _turn(connection: Connection, name: str, seconds: float) -> float:
    connection.send(seconds)
    rate: float = _receive(connection, name)
    return rate


def _receive(connection: Connection, name: str) -> Any:
    try:
        return connection.recv()
    except EOFError:
        raise SystemExit(f"{name}: its process has ended, see above") from None


def _work(connection: Connection, make: Callable[[], Made]) -> None:
    call, facts = make()
    connection.send(facts)
    with contextlib.suppress(EOFError):  # the race is over
        while True:
            connection.send(duel.turn(call, connection.recv()))
