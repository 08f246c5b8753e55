"""Time and memory of everything after training: search for copies, attacks, fidelity, evaluation.

    python -m benchmarks.audit_time

Many phantoms against many phantoms, 64 pixels wide. Half of the real ones are `fit` and `val`, the
other half is the test set. The generator and the classifiers hardly learn: what they learn changes
no time. With the default sizes this took 18 minutes on two cores.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile

from benchmarks import command, duel
from synthmed_jax.data.sets import phantom_drawing
from synthmed_jax.files import read_json

STAGES = ("split", "diffusion", "generate", "classify", "audit", "evaluate", "card", "report")
MEASURED = ("audit", "evaluate", "card", "report")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=int, default=5000, help="images, test images among them")
    parser.add_argument("--synthetic", type=int, default=10_000, help="images")
    options, handed_on = command.parse(parser)
    classes = len(phantom_drawing.CLASS_NAMES)
    handed_on += [
        f"--stages={','.join(STAGES)}",
        "--config.data.image_size=64",
        f"--config.data.phantom_images={options.real // classes}",
        "--config.split.fraction=0.5",
        f"--config.generate.per_class={options.synthetic // classes}",
        "--config.generate.steps=2",
        "--config.diffusion.train.steps=20",
        "--config.diffusion.train.warmup_steps=5",
        "--config.diffusion.train.val_every=20",
        "--config.diffusion.train.ema_half_lives=(5,)",
        "--config.classifier.steps=12",
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        command.run(handed_on, root / "run", root / "caches")
        stages = read_json(root / "run" / "run.json")["stages"]
    duel.report(
        {
            "name": "audit_time",
            "real": options.real,
            "synthetic": options.synthetic,
            "seconds": {stage: stages[stage]["seconds"] for stage in MEASURED},
            "peak_mib": {stage: stages[stage]["peak_memory_mib"] for stage in MEASURED},
        }
    )


if __name__ == "__main__":
    main()
