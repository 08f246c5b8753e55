"""Whether the measures of fidelity find a difference where there is none.

    python -m benchmarks.real_against_real --config=configs/covid_ddpm.py:cpu \
        --config.data.dir=<folder of the data sets> --workdir=<folder>

Real images are halved at random, each class by itself and the first of twins only, as often as
--splits says. The area under a two-sample test's ROC curve should be 0.5, the kernel distance 0.
All images of the data set are used: no choice is made, and no generator is asked. Each division
is one line of real_against_real.jsonl; ended early, the same command goes on.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
from absl import app, flags
from ml_collections import config_flags

from synthmed_jax import devices, settings
from synthmed_jax.audit.features import FEATURES
from synthmed_jax.audit.fidelity import MEASURES, draw, numbers_of, without_twins
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.loading import load_images
from synthmed_jax.results.audit import AUROC_FOREST, AUROC_NETWORK, KID, PRETRAINED
from synthmed_jax.stages import BLOCKS

_CONFIG = config_flags.DEFINE_config_file("config", None, "As of main.py.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the result.")
_SPLITS = flags.DEFINE_integer("splits", 100, "Divisions into halves.", lower_bound=1)

# Range of values that tells of no difference; None: where the interval covers 0.
_WITHIN = {AUROC_FOREST: (0.45, 0.55), AUROC_NETWORK: (0.45, 0.55), KID: None}


def compare_halves(images: ImageSet, limit: int, seed: int) -> dict[str, object]:
    """Compares two halves of the images in each measure.

    Args:
      images: of different pixels.
      limit: most images of a half, all classes together.
      seed: of the division, of forests and of networks.

    Returns:
      images of each half, and measure/features -> value and ends of its interval.
    """
    drawn = draw(images, images, limit, np.random.default_rng(seed))
    seen = numbers_of((drawn.other, drawn.real), FEATURES)
    found: dict[str, object] = {"seed": seed, "images": len(drawn.labels)}
    for (measure, features), how in MEASURES.items():
        if measure in _WITHIN and features != PRETRAINED:
            compared, real = seen[measure, features]
            result = how(compared, real, seed)
            found[f"{measure}/{features}"] = [result.value, result.low, result.high]
    return found


def main(_: list[str]) -> None:
    """Compares halves and prints how often each measure finds no difference."""
    config = settings.from_config(_CONFIG.value, BLOCKS)
    devices.start(config.cpu_devices)
    root = pathlib.Path(str(_WORKDIR.value))
    root.mkdir(parents=True, exist_ok=True)
    images = without_twins(load_images(config.data).images)
    log = root / "real_against_real.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    for seed in range(len(lines), _SPLITS.value):
        lines.append(json.dumps(compare_halves(images, config.audit.images, seed)))
        with log.open("a") as file:
            file.write(lines[-1] + "\n")
    found = [json.loads(line) for line in lines]
    print(f"{config.data.name}: {len(found)} divisions, {found[0]['images']} images per half")
    for key in found[0]:
        measure = key.partition("/")[0]
        if measure in _WITHIN:
            value, low, high = np.array([each[key] for each in found]).T
            within = _WITHIN[measure]
            if within is None:
                held = (low <= 0) & (high >= 0)
                words = "interval covers 0"
            else:
                held = (value >= within[0]) & (value <= within[1])
                words = f"in {within[0]} to {within[1]}"
            print(
                f"{key}: {words} in {held.sum()} of {len(held)}; "
                f"mean {value.mean():.4f}, from {value.min():.4f} to {value.max():.4f}"
            )


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
