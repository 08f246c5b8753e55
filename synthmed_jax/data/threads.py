"""Work on many items in several threads, of which few wait at a time."""

from __future__ import annotations

import collections
import concurrent.futures
import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def map_in_threads(function: Callable[[T], U], items: Iterable[T]) -> Generator[U, None, None]:
    """Yields function(item) in order of the items, taking them only a few ahead.

    Worth it where `function` lets other threads run, as Pillow and zlib do while they decode. An
    error of `function` is raised in the place of its result. Closing the generator waits for the
    threads.
    """
    threads = min(_num_cores(), 8)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        waiting: collections.deque[concurrent.futures.Future[U]] = collections.deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _num_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
