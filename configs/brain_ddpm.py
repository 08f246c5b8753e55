r"""Brain tumour MRI, 4 classes (masoudnickparvar/brain-tumor-mri-dataset on Kaggle).

    python main.py --config=configs/brain_ddpm.py --workdir=/runs/brain --config.data.dir=/data
    python main.py --config=configs/brain_ddpm.py:cpu --workdir=/runs/brain_cpu \
        --config.data.dir=/data

paper: one data-centre GPU, about a day (estimate; not yet measured); 1700 images a class, 5 folds.
cpu: two cores, under two hours; see RESULTS.md for what it gives. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base
from synthmed_jax.protocol import TABLE_1


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "brain_tumor_mri"
    if scale == "paper":
        config.update_from_flattened_dict(TABLE_1[config.data.name])
    if scale == "cpu":
        # Twice as many images as the other two sets, in three planes and many contrasts.
        config.diffusion.warp = 0.3
        config.diffusion.train.steps = 22_000
        # Steps that are close together near the clean image keep the texture that even ones blur:
        # of the real fit + val images a ResNet-18 got 83.2 % right from 1600 images so drawn, and
        # 80.1 % from even steps with guidance 1.0 or 1.5.
        config.generate.update(spacing="log_snr", guidance=1.2)
        # Ten epochs of 800 images a class leave the network short of what it can learn: 86.1 % of
        # those images; 30 epochs give 89.5, 20 of twice as many images 89.8 at a lower loss. Most
        # of it comes as the rate falls: no stop before.
        config.generate.per_class = 1600
        config.classifier.update(max_epochs=20, patience=20)
    return config
