"""When to save what takes longer to save the more there is of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class Pace:
    """Spaces savings out, so that they take at most a share of the time.

    What is saved after each piece of work would take a time that grows with its square.
    """

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins with a saving that is due.

        Args:
          share: of the time, between 0 and 1.
          clock: seconds, never going back.
        """
        self._share, self._clock = share, clock
        self._next = clock()

    def is_due(self) -> bool:
        """Whether enough time has passed since the last saving for another one as long."""
        return self._clock() >= self._next

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Within it something is saved, which takes as long as it takes."""
        started = self._clock()
        yield
        ended = self._clock()
        self._next = ended + (ended - started) * (1 / self._share - 1)
