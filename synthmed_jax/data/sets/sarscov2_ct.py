"""SARS-CoV-2 CT: chest CT slices of infected patients and of patients with other diseases."""

from typing import ClassVar

from synthmed_jax.data.sets import kaggle


class Sarscov2Ct(kaggle.KaggleImages):
    """Kaggle's plameneduardo/sarscov2-ctscan-dataset."""

    DESCRIPTION = (
        "2,481 chest CT slices of patients in Sao Paulo hospitals: 1,252 with SARS-CoV-2 infection "
        "(COVID), 1,229 without (non-COVID). No patient ids; neighbouring numbers share a patient."
    )
    CITATION = (
        "Eduardo Soares, Plamen Angelov, Sarah Biaso, Michele Higa Froes and Daniel Kanda Abe. "
        "SARS-CoV-2 CT-scan dataset: A large dataset of real patients CT scans for SARS-CoV-2 "
        "identification. medRxiv, 2020. doi:10.1101/2020.04.24.20078584"
    )
    KAGGLE = "plameneduardo/sarscov2-ctscan-dataset"
    HOMEPAGE = f"https://www.kaggle.com/datasets/{KAGGLE}"
    FOLDER_NAMES = ("sarscov2_ct", "sarscov2-ctscan-dataset", "archive")
    CLASS_FOLDERS: ClassVar = {name: (name,) for name in ("COVID", "non-COVID")}
