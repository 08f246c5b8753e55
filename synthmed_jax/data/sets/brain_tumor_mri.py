"""Brain Tumor MRI: four classes of MRI slices, Kaggle's two folders pooled as in the paper."""

from typing import ClassVar

from synthmed_jax.data.sets import kaggle


class BrainTumorMri(kaggle.KaggleImages):
    """Kaggle's masoudnickparvar/brain-tumor-mri-dataset: its two parts become one data set."""

    DESCRIPTION = (
        "7,023 brain MRI slices (figshare, SARTAJ and Br35H pooled) in four classes: glioma, "
        "meningioma, notumor, pituitary. No patient ids; several hundred exact copies."
    )
    CITATION = (
        "Msoud Nickparvar. Brain Tumor MRI Dataset. Kaggle, 2021. doi:10.34740/KAGGLE/DSV/2645886"
    )
    KAGGLE = "masoudnickparvar/brain-tumor-mri-dataset"
    HOMEPAGE = f"https://www.kaggle.com/datasets/{KAGGLE}"
    FOLDER_NAMES = ("brain_tumor_mri", "brain-tumor-mri-dataset", "archive")
    CLASS_FOLDERS: ClassVar = {
        name: (f"Training/{name}", f"Testing/{name}")
        for name in ("glioma", "meningioma", "notumor", "pituitary")
    }
