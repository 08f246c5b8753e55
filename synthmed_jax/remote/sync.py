"""A run in a remote workdir: held, brought here, pushed again and again while it is at work."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from synthmed_jax.errors import UserError
from synthmed_jax.files import is_full_disk
from synthmed_jax.remote import address
from synthmed_jax.remote.lease import Lease, Lost
from synthmed_jax.remote.mirror import Mirror
from synthmed_jax.remote.store import Store

_LOOK_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Sync:
    """How a remote workdir is kept up to date; values out of range raise UserError.

    Attributes:
      push_minutes: between two pushes at most; stages are pushed when they end.
      take_over: whether the workdir is taken from a run that holds it.
    """

    push_minutes: float = 10.0
    take_over: bool = False

    def __post_init__(self) -> None:
        if not self.push_minutes > 0:
            raise UserError(f"--push_minutes={self.push_minutes} must be above 0")


class Copy(NamedTuple):
    """The copy of a remote workdir that a run works in.

    Attributes:
      root: its folder.
      bring_up_to_date: makes the workdir what the copy is; a follower's: the copy what the workdir
        is. Raises UserError where the storage does not answer.
    """

    root: pathlib.Path
    bring_up_to_date: Callable[[], None]


def folder_of(cache: pathlib.Path, url: str) -> pathlib.Path:
    """Returns the folder of this machine that runs in a remote workdir work in."""
    return address.place_of(cache, "workdirs", url) / address.name_of(url)


@contextlib.contextmanager
def read(url: str, cache: pathlib.Path) -> Iterator[pathlib.Path]:
    """Brings a remote workdir here, to look at: it is neither held nor pushed.

    Raises:
      UserError: as of `kept`.
    """
    with _copy(url, cache) as (mirror, _, _):
        _pull(url, mirror)
        yield mirror.root


@contextlib.contextmanager
def followed(url: str, cache: pathlib.Path, host: int, folders: tuple[str, ...]) -> Iterator[Copy]:
    """Yields a copy for one of several hosts, of which another one keeps the workdir.

    Nothing is brought here yet.

    Args:
      host: its number; processes on one machine may have one cache.
      folders: of the workdir that it reads.

    Raises:
      UserError: as of `kept`.
    """
    with _copy(url, cache / "hosts" / str(host), folders) as (mirror, _, _):
        yield Copy(mirror.root, lambda: _pull(url, mirror))


@contextlib.contextmanager
def kept(url: str, cache: pathlib.Path, sync: Sync) -> Iterator[Copy]:
    """Brings a remote workdir here, and pushes what is done to it.

    Args:
      url: its address (address.py).
      cache: the folder that copies of remote workdirs are kept in.

    Raises:
      UserError: another run is at work there, or the storage does not answer; at the end: something
        could not be pushed.
    """
    with _copy(url, cache) as (mirror, store, locked):
        # Where the copy can't be locked, a lease of its own may be of a run that is at work.
        lease = Lease(store, mirror.copy if locked else "", 60 * sync.push_minutes)
        lease.acquire(take_over=sync.take_over)
        pusher = _Pusher(url, mirror, lease, sync)
        try:
            _pull(url, mirror)
            pusher.start()
            yield Copy(mirror.root, pusher.push)
        except BaseException:
            failure = _finish(pusher)
            if failure is not None:
                print(f"warning: {failure}", file=sys.stderr, flush=True)
            raise
        failure = _finish(pusher)
        if failure is not None:
            raise UserError(failure)


def _finish(pusher: _Pusher) -> str | None:
    """Pushes for the last time; a signal breaks it off, and what is left is told."""
    try:
        return pusher.finish()
    except KeyboardInterrupt:
        print(f"warning: {pusher.left('it was stopped')}", file=sys.stderr, flush=True)
        raise


@contextlib.contextmanager
def _copy(
    url: str, cache: pathlib.Path, folders: tuple[str, ...] = ()
) -> Iterator[tuple[Mirror, Store, bool]]:
    """Opens the copy on this machine, and keeps other runs on it out; the last: whether it does."""
    store = Store(url)
    place = address.place_of(cache, "workdirs", url)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as file:
        locked = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another run is at work in {url} on this machine: wait for its end, or take a new "
                "--workdir"
            ) from error
        except OSError:
            locked = False
        yield Mirror(store, place, address.name_of(url), folders), store, locked


def _pull(url: str, mirror: Mirror) -> None:
    try:
        files, size = mirror.pull()
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise UserError(
            f"no room for the files of {url} in {mirror.root}: make room, or set "
            "--config.data.cache_dir=<folder> to a folder on a larger disk"
        ) from error
    news = f": {files} files fetched, {_in_words(size)}" if files else ", nothing to fetch"
    print(f"{url} is worked on in {mirror.root}{news}", flush=True)


class _Pusher:
    """Pushes a copy: when a stage has begun or ended, every so often, and at the end."""

    def __init__(self, url: str, mirror: Mirror, lease: Lease, sync: Sync) -> None:
        self._url, self._mirror, self._lease = url, mirror, lease
        self._seconds = 60 * sync.push_minutes
        self._end, self._pushing = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._work, name="push", daemon=True)
        self._pushed = time.monotonic()
        self._failure: str | None = None
        self._lost = False

    def start(self) -> None:
        """Begins to look for news."""
        self._thread.start()

    def push(self) -> None:
        """Pushes now; raises UserError where that fails, since others wait for what is there."""
        self._push()
        if self._failure is not None:
            raise UserError(self.left(self._failure))

    def finish(self) -> str | None:
        """Pushes for the last time and lets go; returns what a user has to know, None: all well."""
        if self._thread.ident is None:  # nothing was brought here
            with contextlib.suppress(UserError):
                self._lease.release()
            return None
        self._end.set()
        if not self._lost:
            print(f"pushing to {self._url}", flush=True)
        self._thread.join()
        self._push()
        if self._failure is None:
            try:
                self._lease.release()
            except UserError as error:
                return f"all is pushed, but {self._url} is still held by this run: {error}"
            return None
        return self.left(self._failure)

    def left(self, reason: str) -> str:
        """Says what is not pushed, why, and what to do."""
        files, size = self._mirror.not_pushed()
        advice = "give the same command again on this machine, and they are pushed"
        if self._lost:
            advice = f"--from={self._mirror.root} takes over in a new --workdir what they hold"
        return (
            f"{files} files ({_in_words(size)}) are NOT PUSHED to {self._url}: {reason}. "
            f"They are kept in {self._mirror.root}: {advice}"
        )

    def _work(self) -> None:
        stages = self._stages()
        while not self._end.wait(min(_LOOK_SECONDS, self._seconds)):
            now = self._stages()
            if now == stages and time.monotonic() - self._pushed < self._seconds:
                continue
            stages = now
            self._push()

    def _stages(self) -> dict[str, int]:
        """When each stage's marker was written."""
        folder = self._mirror.root / "stages"
        found = {}
        for path in folder.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = path.stat().st_mtime_ns
        return found

    def _push(self) -> None:
        """Pushes once; what stands in the way is told when it is new, and kept for the end."""
        with self._pushing:
            self._push_alone()

    def _push_alone(self) -> None:
        if self._lost:
            return
        self._pushed = time.monotonic()
        try:
            self._lease.renew()
            done = self._mirror.push(self._lease.renew_if_due, self._lease.check)
            failure = None if done is not None else "files there change all the time"
        except (UserError, OSError) as error:
            failure = str(error)
            self._lost = isinstance(error, Lost)
        if failure is not None and self._failure is None:
            on = "" if self._lost else "; it is tried again"
            print(f"note: not pushed: {failure}. The run goes on here{on}", flush=True)
        if failure is None and self._failure is not None:
            print(f"note: {self._url} is up to date again", flush=True)
        self._failure = failure


def _in_words(size: int) -> str:
    """Bytes as people say them."""
    value = float(size)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
