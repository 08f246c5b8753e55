r"""Brain tumour MRI, 4 classes (masoudnickparvar/brain-tumor-mri-dataset on Kaggle).

    python main.py --config=configs/brain_ddpm.py --workdir=/runs/brain --config.data.dir=/data
    python main.py --config=configs/brain_ddpm.py:cpu --workdir=/runs/brain_cpu \
        --config.data.dir=/data

paper: one data-centre GPU, about a day (estimate; not yet measured); 1700 images a class, 5 folds.
cpu: two cores, under two hours; see RESULTS.md for what it gives. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "brain_tumor_mri"
    if scale == "paper":
        config.generate.per_class = 1700
        # Table 1 of the paper; 20 % rounded up would be 329 and 352.
        config.split.counts = "meningioma=330,pituitary=350"
    if scale == "cpu":
        # Twice as many images as the other two sets, in three planes and many contrasts.
        config.diffusion.warp = 0.3
        config.diffusion.train.steps = 22_000
    return config
