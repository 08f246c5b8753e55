"""A folder on remote storage: the only file with fsspec.

Object stores have neither renames nor locks. What they have is that an object is written whole or
not at all, which is all that is asked of them here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import posixpath
import uuid
from collections.abc import Iterator, Sequence

import fsspec
from fsspec import AbstractFileSystem

from synthmed_jax.errors import UserError
from synthmed_jax.files import is_full_disk

# Where a folder is made by writing below it: to ask for one would make a bucket.
_WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
# What libraries call errors of who is to be let in, where they have classes of their own.
_CREDENTIALS = "Credential"


class Unreachable(UserError):
    """The storage did not answer, or refused."""


@dataclasses.dataclass(frozen=True)
class Found:
    """A file on remote storage.

    Attributes:
      size: bytes.
      version: changes with its content, as far as the storage knows: an ETag, a digest or a time.
    """

    size: int
    version: str


class Store:
    """A folder on remote storage, by its address (address.py)."""

    def __init__(self, address: str) -> None:
        """Finds the protocol's library; nothing is asked of the storage yet.

        Raises:
          UserError: the protocol or its library is not there.
        """
        self.address = address
        protocol = address.partition("://")[0].lower()
        self._has_folders = protocol not in _WITHOUT_FOLDERS
        try:
            # Whoever else writes there is seen at once.
            options = {"use_listings_cache": False, "skip_instance_cache": True}
            self._fs: AbstractFileSystem
            self._fs, self._root = fsspec.core.url_to_fs(address, **options)
        except ImportError as error:
            raise UserError(
                f"{address} can't be opened, for want of a package ({error}): pip install -r "
                "requirements-remote.txt has those of s3:// and gs://"
            ) from error
        except ValueError as error:
            raise UserError(f"{address} can't be opened: {error}") from error
        except Exception as error:  # some look for credentials here
            raise Unreachable(explain(error, address)) from error
        self._root = self._root.rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Returns the content of an object; None: there is none.

        This and all below raise Unreachable where the storage does not answer, or refuses.
        """
        with self._told():
            try:
                return bytes(self._fs.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Writes an object whole or not at all, in the place of a former one."""
        with self._told():
            path = self._path(name)
            if not self._has_folders:
                self._fs.pipe_file(path, content)
                return
            self._make_folder(path)
            temporary = f"{path}.{uuid.uuid4().hex}.tmp"
            self._fs.pipe_file(temporary, content)
            self._fs.mv(temporary, path)

    def create(self, name: str, content: bytes) -> bool:
        """Writes an object, unless there is one; returns whether it did."""
        with self._told():
            path = self._path(name)
            if self._has_folders:
                self._make_folder(path)
            if self._fs.exists(path):  # not every storage understands "create"
                return False
            try:
                self._fs.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
            return True

    def upload(self, pairs: Sequence[tuple[pathlib.Path, str]]) -> None:
        """Writes files of this machine to objects, several at once: (file, name)."""
        if not pairs:
            return
        with self._told():
            paths = [self._path(name) for _, name in pairs]
            if self._has_folders:
                for folder in {posixpath.dirname(path) for path in paths}:
                    self._fs.makedirs(folder, exist_ok=True)
            self._fs.put([str(file) for file, _ in pairs], paths)

    def download(self, pairs: Sequence[tuple[str, pathlib.Path]]) -> None:
        """Writes objects to files of this machine, several at once: (name, file).

        One that is not there gives no file.
        """
        if not pairs:
            return
        for _, file in pairs:
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            try:
                self._fs.get([self._path(name) for name, _ in pairs], [str(f) for _, f in pairs])
            except FileNotFoundError:
                for name, file in pairs:  # which one, it does not say
                    with contextlib.suppress(FileNotFoundError):
                        self._fs.get_file(self._path(name), str(file))

    def find(self, folder: str = "") -> dict[str, Found]:
        """Returns the files at any depth, by their paths below the folder; {}: none is there."""
        with self._told():
            root = self._path(folder)
            try:
                found = self._fs.find(root, detail=True)
            except FileNotFoundError:
                return {}
            base = self._fs._strip_protocol(root)
            return {
                path.removeprefix(base).lstrip("/"): Found(int(info["size"]), _version(info))
                for path, info in found.items()
                if not path.endswith("/")  # what consoles of object stores call a folder
            }

    def remove(self, names: Sequence[str]) -> None:
        """Removes objects; those that are gone already are nothing to tell."""
        if not names:
            return
        with self._told():
            try:
                self._fs.rm([self._path(name) for name in names])
            except FileNotFoundError:
                for name in names:
                    with contextlib.suppress(FileNotFoundError):
                        self._fs.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _make_folder(self, path: str) -> None:
        self._fs.makedirs(posixpath.dirname(path), exist_ok=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each library raises errors of its own
            if isinstance(error, OSError) and is_full_disk(error):  # this machine's
                raise
            raise Unreachable(explain(error, self.address)) from error


def explain(error: Exception, address: str) -> str:
    """Says in a sentence what a storage's error means, as far as it is known."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    kind = type(error).__name__
    if _CREDENTIALS in kind or "credentials" in text.lower():
        return (
            f"{address}: no credentials were found, or none that are right ({text}): give them as "
            "the storage's own tools take them (BUILD.md, Remote storage)"
        )
    if isinstance(error, PermissionError):
        return f"{address}: access is refused ({text}): its owner must allow reading and writing"
    if isinstance(error, FileNotFoundError):
        return f"{address}: there is no such bucket or folder ({text}): make it, or name another"
    return f"{address} can't be reached ({kind}: {text})"


def _version(info: dict[str, object]) -> str:
    """What changes with a file's content: object stores have a tag, others a time."""
    for key in ("ETag", "etag", "md5Hash", "generation"):
        if info.get(key):
            return str(info[key])
    times = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
    return next((str(info[key]) for key in times if info.get(key)), "")
