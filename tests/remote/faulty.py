"""A remote storage in memory that stops to answer after so many changes."""

from __future__ import annotations

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

# Changes that still work; [] is no limit. One entry at most.
LEFT: list[int] = []
# Every call that moved content: (what, name).
CALLS: list[tuple[str, str]] = []


class Faulty(MemoryFileSystem):
    """As the protocol memory, under another name."""

    protocol = "faulty"
    store: dict = {}  # noqa: RUF012  as its parent has it: shared by all that open it
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        if path.startswith("faulty://"):
            path = path[len("faulty://") :]
        return "/" + path.strip("/") if path.strip("/") else ""

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        _count("write", path)
        super().pipe_file(path, value, mode=mode, **kwargs)

    def put_file(self, lpath, rpath, *args, **kwargs):
        _count("upload", rpath)
        super().put_file(lpath, rpath, *args, **kwargs)

    def rm_file(self, path):
        _count("remove", path)
        super().rm_file(path)

    def rm(self, path, *args, **kwargs):
        for each in [path] if isinstance(path, str) else path:
            self.rm_file(each)

    def mv(self, path1, path2, *args, **kwargs):
        _count("move", path2)
        self.store[self._strip_protocol(path2)] = self.store.pop(self._strip_protocol(path1))

    def get_file(self, rpath, lpath, *args, **kwargs):
        if LEFT == [0]:
            raise ConnectionError("the network is gone")
        CALLS.append(("download", rpath))
        super().get_file(rpath, lpath, *args, **kwargs)

    def cat_file(self, path, *args, **kwargs):
        if LEFT == [0]:
            raise ConnectionError("the network is gone")
        return super().cat_file(path, *args, **kwargs)


def _count(what: str, name: str) -> None:
    if LEFT:
        if LEFT[0] <= 0:
            raise ConnectionError("the network is gone")
        LEFT[0] -= 1
    CALLS.append((what, name))


fsspec.register_implementation("faulty", Faulty, clobber=True)
