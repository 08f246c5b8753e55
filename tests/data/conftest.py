import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed_jax.data import tables
from synthmed_jax.data.facts import Facts
from synthmed_jax.data.settings import DataSettings
from synthmed_jax.files import sha256

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
    """Facts of images of 8x8 pixels from these files, no two alike; keywords replace columns."""

    def make(sources: Sequence[str], **columns) -> Facts:
        n = len(sources)
        usual = Facts(
            sources=tuple(sources),
            sha256=tuple(sha256(os.fsencode(source)) for source in sources),
            frames=(1,) * n,
            formats=("PNG 8-bit",) * n,
            widths=(8,) * n,
            heights=(8,) * n,
            means=(100.0,) * n,
            darkest=(0,) * n,
            brightest=(255,) * n,
            extremes=(0.5,) * n,
            coloured=(False,) * n,
        )
        return dataclasses.replace(usual, **columns)

    return make


@pytest.fixture
def table_of(tmp_path: Path) -> Callable[..., tables.Table]:
    """Reads a text as a table: table_of("file,label\\n1.png,a\\n"); in UTF-8 unless told."""

    def read(text: str, encoding: str = "utf-8") -> tables.Table:
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return tables.read_table(path, "config.data.table")

    return read
