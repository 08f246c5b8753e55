"""The copy of a remote workdir on this machine: brought up to date, and pushed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from synthmed_jax import litter
from synthmed_jax.errors import UserError
from synthmed_jax.files import check_room, read_json, sha256_of, write_json
from synthmed_jax.remote import manifest as manifests
from synthmed_jax.remote import snapshot
from synthmed_jax.remote.manifest import Content, Manifest
from synthmed_jax.remote.snapshot import Entries, Entry, Seen
from synthmed_jax.remote.store import Store, Unreachable

T = TypeVar("T")
_BATCH = 200  # objects at once
_BATCH_BYTES = 256 * 1024**2
# Also written under its own names, so that a person can open it there; never read again.
_SHOWN = "report/"
_UNKNOWN = "unknown"  # a state that no remote workdir has


@dataclasses.dataclass(frozen=True)
class State:
    """What is known of a copy: state.json beside it.

    Attributes:
      copy: names this folder on this machine's disk.
      commits: states of the remote workdir that the copy is, or has gone on from; two while a push
        is on its way, none while it is brought up to date. "": nothing was ever pushed.
      files: as they were when the copy was last the same as the remote workdir.
    """

    copy: str
    commits: tuple[str, ...]
    files: Entries


class Mirror:
    """The copy of one remote workdir. The caller holds its lock."""

    def __init__(
        self, store: Store, place: pathlib.Path, name: str, folders: tuple[str, ...] = ()
    ) -> None:
        """Makes the place, if there is none.

        Args:
          place: the folder of the cache for all that belongs to this workdir.
          name: of the folder in it that runs work in.
          folders: of the workdir that are brought here, of a copy that is never pushed; (): all.
        """
        self._store, self._folders = store, folders
        self._place = place
        self.root = place / name
        self._staging = place / "staging"
        place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._staging, ignore_errors=True)
        self._state = self._read_state()
        self._write_state(self._state.commits, self._state.files)
        self._manifest = Manifest("", {})  # as it was last read or written
        self._uploaded: set[str] = set()  # by this process: of others they may be half written
        self._seen = dict(self._state.files)

    @property
    def copy(self) -> str:
        """Names this folder on this machine's disk."""
        return self._state.copy

    def pull(self) -> tuple[int, int]:
        """Makes the copy what the remote workdir is, unless it is that already, or ahead of it.

        What was computed here and not pushed, while another machine went on, is set aside.

        Returns:
          How many files were fetched, and their bytes.

        Raises:
          UserError: the storage does not answer, or has another program's objects.
          OSError: there is no room (errno ENOSPC).
        """
        for _ in range(3):
            self._manifest = manifests.read(self._store) or Manifest("", {})
            commit = self._manifest.commit
            lost = bool(self._state.files) and not self.root.is_dir()
            if commit in self._state.commits and not lost:
                return 0, 0
            if self._state.commits and not lost and self._has_news():
                self._set_aside()
            fetched = self._bring_up_to_date(self._manifest)
            again = manifests.read(self._store)
            if (again.commit if again else "") == commit:
                return fetched
        raise UserError(f"{self._store.address} changes while it is read: try again")

    def _has_news(self) -> bool:
        before = {path: entry.seen for path, entry in self._state.files.items()}
        return snapshot.scan(self.root) != before

    def _set_aside(self) -> None:
        aside = self._place / f"{self.root.name}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        self.root.rename(aside)
        print(
            f"note: {self._store.address} is no longer what this machine had gone on from; what "
            f"was computed here and not pushed is kept in {aside}",
            flush=True,
        )

    def _bring_up_to_date(self, manifest: Manifest) -> tuple[int, int]:
        known, files = self._state.files, manifest.files
        if self._folders:
            files = {p: each for p, each in files.items() if p.split("/")[0] in self._folders}
        self._write_state((), {})
        litter.remove_from_workdir(self.root)
        for path in snapshot.scan(self.root):
            if path not in files:
                (self.root / path).unlink()
        for where, _, _ in os.walk(self.root, topdown=False):
            with contextlib.suppress(OSError):  # an empty folder may be taken for a checkpoint
                os.rmdir(where)
        wanted = {
            path: content for path, content in files.items() if not self._has(path, content, known)
        }
        check_room(self._place, sum(content.size for content in wanted.values()))
        for batch in _batches((path, content.size) for path, content in wanted.items()):
            self._fetch({path: files[path] for path, _ in batch})
        self._seen = {
            path: Entry(seen, files[path].sha256)
            for path, seen in snapshot.scan(self.root).items()
            if path in files
        }
        self._write_state((manifest.commit,), self._seen)
        return len(wanted), sum(content.size for content in wanted.values())

    def _has(self, path: str, content: Content, known: Entries) -> bool:
        """Whether the copy has this content; a file that is in its place is removed."""
        here = self.root / path
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = here.lstat()
            seen = Seen(status.st_size, status.st_mtime_ns, status.st_ino)
            if known.get(path) == Entry(seen, content.sha256):
                return True
            if here.is_dir():
                shutil.rmtree(here)
                return False
            if status.st_size == content.size and sha256_of(here) == content.sha256:
                return True
            here.unlink()
        for folder in here.relative_to(self.root).parents:
            if (self.root / folder).is_file():
                (self.root / folder).unlink()
        return False

    def _fetch(self, files: Mapping[str, Content]) -> None:
        """Fetches files; what the storage does not have as it was pushed is left out."""
        shutil.rmtree(self._staging, ignore_errors=True)
        digests = sorted({content.sha256 for content in files.values()})
        self._store.download([(manifests.object_of(d), self._staging / d) for d in digests])
        whole = {
            digest
            for digest in digests
            if (self._staging / digest).is_file() and sha256_of(self._staging / digest) == digest
        }
        for path, content in files.items():
            here = self.root / path
            if content.sha256 not in whole:
                print(
                    f"note: {self._store.address} has no longer what was pushed of {path}: it is "
                    "made anew where it is needed",
                    flush=True,
                )
                continue
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._staging / content.sha256, here)
        shutil.rmtree(self._staging, ignore_errors=True)

    def push(self, renew: Callable[[], None], confirm: Callable[[], None]) -> int | None:
        """Makes the remote workdir what the copy is at this instant.

        Contents first, then the manifest, then what is no longer needed is removed.

        Args:
          renew: called between two batches of objects, and while files are looked at.
          confirm: called just before the manifest is written; may raise.

        Returns:
          How many files are other ones now; None: the copy never stood still.

        Raises:
          UserError: the storage does not answer; whatever `renew` and `confirm` raise. The remote
            workdir is that of the push before.
        """
        before = self._manifest.files
        listed = self._store.find(manifests.OBJECTS)
        pushed = {content.sha256 for content in before.values()} | self._uploaded
        there = pushed & listed.keys()
        entries = snapshot.take(self.root, self._staging, self._seen, there.__contains__, renew)
        if entries is None:
            return None
        self._seen = entries
        files = {path: Content(each.seen.size, each.sha256) for path, each in entries.items()}
        if files == before and pushed <= there:
            self._write_state((self._manifest.commit,), entries)
            self._remove_unneeded(listed)
            return 0
        changed = [path for path in files if files[path] != before.get(path)]
        self._upload_missing(files, there, renew)
        self._show([path for path in changed if path.startswith(_SHOWN)], files)
        confirm()
        manifest = manifests.make(files)
        self._write_state((self._manifest.commit, manifest.commit), self._state.files)
        manifests.write(self._store, manifest)
        self._manifest = manifest
        self._write_state((manifest.commit,), entries)
        shutil.rmtree(self._staging, ignore_errors=True)
        self._remove_unneeded(listed)
        return len(changed) + len(before.keys() - files.keys())

    def not_pushed(self) -> tuple[int, int]:
        """Returns how many files of the copy the remote workdir does not have, and their bytes."""
        before = {path: entry.seen for path, entry in self._state.files.items()}
        news = [s for path, s in snapshot.scan(self.root).items() if before.get(path) != s]
        return len(news), sum(seen.size for seen in news)

    def _upload_missing(
        self, files: Mapping[str, Content], there: set[str], renew: Callable[[], None]
    ) -> None:
        sizes = {content.sha256: content.size for content in files.values()}
        for batch in _batches([each for each in sizes.items() if each[0] not in there]):
            renew()
            digests = [digest for digest, _ in batch]
            self._store.upload([(self._staging / d, manifests.object_of(d)) for d in digests])
            for digest in digests:
                staged = self._staging / digest
                if staged.stat().st_nlink > 1 and sha256_of(staged) != digest:
                    raise Unreachable(f"a file in {self.root} was written to while it was pushed")
            self._uploaded.update(digests)

    def _show(self, paths: Sequence[str], files: Mapping[str, Content]) -> None:
        """Writes files under their own names, too; what can't be found any more waits."""
        staged = [(self._staging / files[path].sha256, path) for path in paths]
        self._store.upload([(file, path) for file, path in staged if file.is_file()])

    def _remove_unneeded(self, listed: Iterable[str]) -> None:
        """Removes objects that the manifest does not name, of broken-off pushes too."""
        needed = {content.sha256 for content in self._manifest.files.values()}
        self._uploaded &= needed
        unneeded = [(manifests.object_of(name), 0) for name in listed if name not in needed]
        for batch in _batches(unneeded):
            self._store.remove([name for name, _ in batch])

    def _read_state(self) -> State:
        try:
            document = read_json(self._place / "state.json")
            files = {
                path: Entry(Seen(*entry[0]), str(entry[1]))
                for path, entry in document["files"].items()
            }
            return State(str(document["copy"]), tuple(document["commits"]), files)
        except (FileNotFoundError, ValueError, TypeError, KeyError, IndexError):
            # Nothing is known of the copy: if there is one, it will be set aside.
            return State(uuid.uuid4().hex, (_UNKNOWN,), {})

    def _write_state(self, commits: tuple[str, ...], files: Entries) -> None:
        self._state = State(self._state.copy, commits, files)
        document = {"copy": self._state.copy, "commits": commits, "files": files}
        write_json(self._place / "state.json", document)


def _batches(items: Iterable[tuple[T, int]]) -> Iterator[list[tuple[T, int]]]:
    """Cuts a list of things and their bytes into parts that are moved at once."""
    batch: list[tuple[T, int]] = []
    total = 0
    for item in items:
        if batch and (len(batch) == _BATCH or total + item[1] > _BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += item[1]
    if batch:
        yield batch
