"""Acute lymphoblastic leukemia (ALL), microscopy, 4 classes (mehradaria/leukemia on Kaggle).

    python main.py --config=configs/all_ddpm.py --workdir=/runs/all --config.data.dir=/data
    python main.py --config=configs/all_ddpm.py:cpu --workdir=/runs/all_cpu --config.data.dir=/data

paper: 1000 images per class; about a day on one data-centre GPU (estimated, not measured).
The paper's own folds and networks: --config.protocol=paper.
cpu: two cores, one to four hours; see RESULTS.md for what it gives. It was developed while watching
seed 0's results. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "leukemia"
    config.pool.development_seeds = ",".join(map(str, base.WATCHED_SEEDS))
    config.data.channels = 3
    # A smear has no upper side: all eight symmetries of the square are equally likely.
    config.diffusion.flips = "dihedral"
    config.classifier.flips = "dihedral"
    return config
