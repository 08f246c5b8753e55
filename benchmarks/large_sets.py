"""What writing a synthetic set takes besides its network, with few images and with very many.

    python -m benchmarks.large_sets
    python -m benchmarks.large_sets --images 1000 1000000 --side=32

The network's place is taken by phantoms that were drawn before. Each size is written in a process
of its own, of two classes; then the set is opened again, as a run does that goes on. A million
images of 32 pixels take 4 GB of disk, since small files take whole blocks.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter

import numpy as np

from benchmarks import duel
from synthmed_jax.data import manifest
from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.diffusion import generate
from synthmed_jax.diffusion.sampling import SampleSettings

NAMES = ("few", "many")
BLOCK = 128
STOCK = 1024  # different phantoms


def write(images: int, side: int, folder: pathlib.Path) -> dict[str, float]:
    """Writes a set, and opens it again; returns seconds per image, MiB, and images per folder."""
    drawn = np.stack([phantom_drawing.draw(0, i % 4, i, side)[0] for i in range(STOCK)])[..., None]

    def draw_class(label: int, index: np.ndarray) -> np.ndarray:
        return drawn[(index + label) % len(drawn)]

    settings = SampleSettings("ddim", 15, "time", 0.0, "clip", 1.0, 0.0, 1.0, seed=0)
    counts = (images // 2, images - images // 2)
    seconds = []
    for _ in range(2):
        before = time.monotonic()
        generate.generate(draw_class, settings, BLOCK, NAMES, counts, ("0" * 64, "1" * 64), folder)
        seconds.append(time.monotonic() - before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    of_folder = Counter(path.parent for path in folder.rglob("*.png"))
    assert sum(of_folder.values()) == images
    assert max(of_folder.values()) <= manifest.IMAGES_PER_FOLDER
    return {
        "images": images,
        "milliseconds_per_image": 1000 * seconds[0] / images,
        "milliseconds_per_image_again": 1000 * seconds[1] / images,
        "peak_memory_mib": peak,
        "folders": len(of_folder),
    }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=(1000, 10_000, 100_000))
    parser.add_argument("--side", type=int, default=32, help="pixels")
    parser.add_argument("--folder", help="writes one size there; for the processes of this command")
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(write(options.images[0], options.side, pathlib.Path(options.folder))))
        return
    results = []
    for images in options.images:
        with tempfile.TemporaryDirectory() as folder:
            command = [
                *(sys.executable, "-m", "benchmarks.large_sets", f"--images={images}"),
                *(f"--side={options.side}", f"--folder={folder}"),
            ]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
        print(results[-1], flush=True)
    duel.report({"name": "large_sets", "side": options.side, "sizes": results})


if __name__ == "__main__":
    main()
