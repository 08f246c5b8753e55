"""What two runs of the same settings must have alike: the one place that says what is left out.

Left out are times (and what is made of them), which run it was and where it lay, and what orbax
writes around a checkpoint's arrays: of these the digest is compared.
"""

from __future__ import annotations

import json
import pathlib
import re

from orbax.checkpoint import v1 as ocp

from synthmed_jax import checkpoint
from synthmed_jax.files import sha256, sha256_of
from tests.reliability import child

# Folders of checkpoints that a finished stage is judged by. Those that a training goes on from
# (checkpoints/, resume/) are no result: how many there are depends on kills.
_WEIGHTS = ("best", "checkpoint")
_TO_GO_ON = ("checkpoints", "resume")
# Folders and files of no stage: the locks, the notes of runs, what was damaged, and copies of the
# trainings' numbers for TensorBoard.
_NO_RESULT = (".lock", ".locks", "run.json", "damaged", "tensorboard")
# `log` is the digest of a file that holds times.
_TIMES = {
    *("seconds", "images_per_second", "log", "seal"),
    *("started", "commit", "stages", "cache_dir"),
}
# The same in the report's texts.
_TOLD = re.compile(
    r"\b[0-9a-f]{12}(?:-dirty)?\b|(?:[\d.]+\s(?:h|min|s|MiB)\b\s?)+|\d{4}-\d\d-\d\dT[\d:+-]+|case\d+"
)

Contents = dict[str, str]
# Digest of all files of a folder of weights -> digest of the weights.
_KNOWN: dict[str, str] = {}


def contents(workdir: pathlib.Path) -> Contents:
    """Returns path -> digest of each result in a workdir; nothing else may differ in silence."""
    found: Contents = {}
    for path in sorted(workdir.rglob("*")):
        name = path.relative_to(workdir).as_posix()
        parts = set(name.split("/"))
        if parts & {*_TO_GO_ON, *_NO_RESULT}:
            continue
        if path.is_dir() and path.name in _WEIGHTS:
            found[name] = _digest_of_weights(path)
        elif path.is_file() and not parts & set(_WEIGHTS):
            found[name] = sha256(_without_times(path))
    return found


def difference(found: Contents, wanted: Contents) -> list[str]:
    """Returns the names whose content is not the same, or that only one of both has."""
    return sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))


def _digest_of_weights(folder: pathlib.Path) -> str:
    """Digest of the arrays, whatever files orbax has made of them."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    raw = sha256("".join(f"{p.relative_to(folder)} {sha256_of(p)}" for p in files).encode())
    if raw not in _KNOWN:
        _KNOWN[raw] = child.call(_read_weights, folder)
    return _KNOWN[raw]


def _read_weights(folder: pathlib.Path) -> str:
    with ocp.training.Checkpointer(folder.absolute()) as reader:
        steps = [each.step for each in reader.checkpoints]
        return f"{steps} {checkpoint.digest(reader.load(steps[-1]))}"


def _without_times(path: pathlib.Path) -> bytes:
    content = path.read_bytes()
    try:
        if path.suffix == ".json":
            document = _pruned(json.loads(content))
            if path.parent.name == "stages":  # digests of files that hold times
                document["files"] = sorted(document.get("files", ()))
            return json.dumps(document, sort_keys=True).encode()
        if path.suffix == ".jsonl":
            lines = content.decode().splitlines()
            return json.dumps([_pruned(json.loads(line)) for line in lines]).encode()
        if path.suffix in (".md", ".html"):
            return _TOLD.sub("*", content.decode()).encode()
    except (ValueError, AttributeError, TypeError):  # damaged: compared as it is
        pass
    return content


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {k: _pruned(v) for k, v in value.items() if k not in _TIMES}
    return [_pruned(v) for v in value] if isinstance(value, list) else value
