r"""Your own images: a folder with one folder a class.

    python main.py --config=configs/folder_ddpm.py:cpu --workdir=/runs/mine \
        --config.data.dir=/my/images

RGB images: add --config.data.channels=3. Patients with several images: --config.split.group_by (see
base.py). Flips that anatomy allows: --config.diffusion.flips and --config.classifier.flips.

paper: one data-centre GPU, about a day (estimate; not yet measured).
cpu: two cores, about two hours whatever the number of images. smoke: two minutes.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "folder"
    return config
