r"""SARS-CoV-2 CT slices, 2 classes (plameneduardo/sarscov2-ctscan-dataset on Kaggle).

    python main.py --config=configs/covid_ddpm.py --workdir=/runs/covid --config.data.dir=/data
    python main.py --config=configs/covid_ddpm.py:cpu --workdir=/runs/covid_cpu \
        --config.data.dir=/data

paper: 1500 images per class; about a day on one data-centre GPU (estimated, not measured).
The paper's own folds and networks: --config.protocol=paper.
cpu: two cores, one to four hours; see RESULTS.md for what it gives. It was developed while watching
seed 0's results. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base
from synthmed_jax.protocol import TABLE_1


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "sarscov2_ct"
    config.pool.development_seeds = ",".join(map(str, base.WATCHED_SEEDS))
    if scale == "paper":
        config.update_from_flattened_dict(TABLE_1[config.data.name])
    if scale == "cpu":
        # So few images (447 in fit) are soon learned by heart: with fewer warps, or after more
        # steps, the loss on val rises again.
        config.diffusion.warp = 0.5
        config.diffusion.train.steps = 9000
        config.generate.per_class = 1000  # mixed_1to4 takes 904 of a class
    return config
