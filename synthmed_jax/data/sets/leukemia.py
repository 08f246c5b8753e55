"""ALL (acute lymphoblastic leukemia): blood smears of one benign class and three malignant ones."""

from typing import ClassVar

from synthmed_jax.data.sets import kaggle


class Leukemia(kaggle.KaggleImages):
    """Kaggle's mehradaria/leukemia; `data.variant` chooses the original or the segmented images."""

    DESCRIPTION = (
        "3,256 peripheral blood smear images of 89 patients in four classes: Benign "
        "(hematogones), Early, Pre and Pro (B-cell ALL). No patient ids."
    )
    CITATION = (
        "Mehrad Aria, Mustafa Ghaderzadeh, Davood Bashash, Hassan Abolghasemi, Farkhondeh Asadi "
        "and Azamossadat Hosseini. Acute Lymphoblastic Leukemia (ALL) image dataset. Kaggle, 2021. "
        "doi:10.34740/KAGGLE/DSV/2175623; Ghaderzadeh et al. A fast and efficient CNN model for "
        "B-ALL diagnosis and its subtypes classification using peripheral blood smear images. "
        "International Journal of Intelligent Systems 37, 2022. doi:10.1002/int.22753"
    )
    KAGGLE = "mehradaria/leukemia"
    HOMEPAGE = f"https://www.kaggle.com/datasets/{KAGGLE}"
    FOLDER_NAMES = ("leukemia", "archive")
    VARIANTS = ("Original", "Segmented")
    CLASS_FOLDERS: ClassVar = {
        name: (f"{{variant}}/{name}",) for name in ("Benign", "Early", "Pre", "Pro")
    }
