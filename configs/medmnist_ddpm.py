r"""A 2D set of MedMNIST with one label per image; its parts are put together and divided anew.

    python main.py --config=configs/medmnist_ddpm.py:cpu --workdir=/runs/pneumonia \
        --config.data.dir=/data/pneumoniamnist.npz

Download the file from https://medmnist.com; nothing is fetched. Sets in colour (path, derma,
retina, blood): add --config.data.channels=3.

paper: for the files of 128x128 pixels, pneumoniamnist_128.npz. About a day on one data-centre GPU
(estimated, not measured).
cpu: two cores, about two hours; more where a class has over 1,110 images, for which more
synthetic ones are drawn. smoke: two minutes. Both are for the files of 28x28 pixels, which become
32x32 and 16x16.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the run's fields; scale: paper | cpu | smoke."""
    config = base.get_config(scale)
    config.data.name = "medmnist"
    config.generate.enough_for_arms = True  # however many real images there are
    return config
