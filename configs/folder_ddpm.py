r"""Your own images: a folder with one folder per class.

    python main.py --config=configs/folder_ddpm.py:cpu --workdir=/runs/mine \
        --config.data.dir=/my/images

RGB images: add --config.data.channels=3. Several images per patient: --config.split.group_by (see
base.py). Flips, if the anatomy allows them: --config.diffusion.flips and --config.classifier.flips.

paper: about a day on one data-centre GPU (estimated, not measured).
cpu: two cores, about two hours; more where a class has over 1,110 images, for which more
synthetic ones are drawn. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "folder"
    config.generate.enough_for_arms = True  # however many real images there are
    return config
