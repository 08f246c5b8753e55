"""Drawn brain phantoms, 4 classes, nothing to download: the demonstration.

    python main.py --config=configs/phantom_ddpm.py:cpu --workdir=/tmp/demo

paper: about a day on one data-centre GPU (estimated, not measured).
cpu: two cores, about ten minutes (`make demo`). It was developed while watching seed 0's
results. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "phantom"
    if scale == "cpu":
        config.data.phantom_images = 400
        config.diffusion.train.update(steps=960, ema_half_lives=(150,), val_every=320)
        config.generate.update(per_class=160, block=40)
        config.classifier.arms = (
            "synthetic", "real", "real_augmented", "mixed_1to1", "synthetic_shuffled",
        )  # fmt: skip
        config.audit.images = 400
        config.classifier.update(steps=90, max_epochs=6)
        # As many images as its page shows, and little more.
        config.explain.update(num_samples=500, images=5, repeats=2)
    if scale == "smoke":
        config.classifier.arms = (*config.classifier.arms, "mixed_1to1")
    return config
