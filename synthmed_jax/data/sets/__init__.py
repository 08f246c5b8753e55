"""The data sets that can be opened by name: one file for each, and its line in DATASETS."""

from synthmed_jax import checks
from synthmed_jax.data.sets import (
    brain_tumor_mri,
    builders,
    folder,
    leukemia,
    medmnist,
    phantom,
    sarscov2_ct,
)
from synthmed_jax.data.settings import DataSettings

DATASETS: dict[str, type[builders.ImageBuilder]] = {
    "leukemia": leukemia.Leukemia,
    "brain_tumor_mri": brain_tumor_mri.BrainTumorMri,
    "sarscov2_ct": sarscov2_ct.Sarscov2Ct,
    "folder": folder.Folder,
    "phantom": phantom.Phantom,
    "medmnist": medmnist.Medmnist,
}


def check_settings(settings: DataSettings) -> None:
    """Raises UserError for an unknown data set, and for values that this data set refuses."""
    checks.one_of("config.data.name", settings.name, DATASETS)
    DATASETS[settings.name].check_settings(settings)
