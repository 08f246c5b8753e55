"""Peak memory of training and sampling with few and with many phantoms.

    python -m benchmarks.memory
    python -m benchmarks.memory --images 1000 20000 --steps=150

Each stage runs in a new process. As many images are drawn as there are real ones. A run of the same
size has compiled the programs before, so that no compiler's memory is counted. With the default
sizes this takes half an hour or more.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from collections.abc import Sequence

from benchmarks import command, duel
from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.files import read_json

STAGES = ("split", "diffusion", "generate")


def run_stages(
    options: Sequence[str], per_class: int, workdir: pathlib.Path, caches: pathlib.Path
) -> dict[str, float]:
    """Returns the peak memory of each stage, MiB, when `per_class` images per class are drawn."""
    for stage in STAGES:
        drawn = f"--config.generate.per_class={per_class}"
        command.run([*options, drawn, f"--stages={stage}"], workdir, caches)
    stages = read_json(workdir / "run.json")["stages"]
    return {stage: stages[stage]["peak_memory_mib"] for stage in STAGES}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs=2, default=(1000, 20_000), help="phantoms")
    parser.add_argument("--steps", type=int, default=150, help="of training, with three checks")
    options, handed_on = command.parse(parser)
    handed_on += [
        f"--config.diffusion.train.steps={options.steps}",
        f"--config.diffusion.train.val_every={max(1, options.steps // 3)}",
    ]
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for images in options.images:
            per_class = images // len(phantom_drawing.CLASS_NAMES)
            own = [*handed_on, f"--config.data.phantom_images={per_class}"]
            # One block of images compiles everything that drawing needs.
            run_stages(own, 1, root / f"compile{images}", root / "caches")
            peaks.append(run_stages(own, per_class, root / f"run{images}", root / "caches"))
            print(f"memory {images} images: {peaks[-1]} MiB", flush=True)
    few, many = peaks
    duel.report(
        {
            "name": "memory",
            "images": list(options.images),
            "training": [few["diffusion"], many["diffusion"]],
            "sampling": [few["generate"], many["generate"]],
            "training_ratio": many["diffusion"] / few["diffusion"],
            "sampling_ratio": many["generate"] / few["generate"],
            "unit": "MiB",
        }
    )


if __name__ == "__main__":
    main()
