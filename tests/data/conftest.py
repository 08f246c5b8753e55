import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import tables
from synthmed_jax.data.facts import ROW, Facts
from synthmed_jax.data.settings import DataSettings

SETTINGS = DataSettings(
    name="folder",
    dir="",
    variant="Original",
    image_size=8,
    channels=3,
    square="pad",
    cache_dir="",
    phantom_images=3,
    phantom_seed=0,
)


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., DataSettings]:
    """DataSettings with a private cache; keyword arguments replace fields."""

    cache_dir = str(tmp_path_factory.mktemp("cache"))

    def make(**changes) -> DataSettings:
        return dataclasses.replace(SETTINGS, cache_dir=cache_dir, **changes)

    return make


@pytest.fixture
def make_images() -> Callable[..., None]:
    """Writes PNG (or other) files of one random colour each: make_images(root, "a/1.png", ...)."""

    def make(root: Path, *files: str, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            Image.new("RGB", (6, 6), colour).save(root / file)

    return make


@pytest.fixture
def make_facts() -> Callable[..., Facts]:
    """Facts of images of 8x8 pixels from these files, no two alike; keywords replace columns.

    Contents (sha256) and formats are given as texts.
    """

    def make(sources: Sequence[str], sha256=None, formats=None, **columns) -> Facts:
        rows = np.zeros(len(sources), ROW)
        rows["sha256"] = [
            hashlib.sha256(os.fsencode(content)).digest() for content in sha256 or sources
        ]
        kinds = tuple(dict.fromkeys(formats or ("PNG 8-bit",)))
        rows["format"] = [kinds.index(each) for each in formats or ()] or 0
        usual = {"frames": 1, "width": 8, "height": 8, "mean": 100, "brightest": 255}
        for name, column in (usual | {"extremes": 0.5} | columns).items():
            rows[name] = column
        return Facts(tuple(sources), kinds, rows)

    return make


@pytest.fixture
def table_of(tmp_path: Path) -> Callable[..., tables.Table]:
    """Reads a text as a table: table_of("file,label\\n1.png,a\\n"); in UTF-8 unless told."""

    def read(text: str, encoding: str = "utf-8") -> tables.Table:
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return tables.read_table(path, "config.data.table")

    return read
