import numpy as np

from synthmed_jax.data.sets import kaggle
from synthmed_jax.data.sets.sarscov2_ct import Sarscov2Ct


def test_both_classes_lie_in_folders_of_their_name():
    folders = {"COVID": ("COVID",), "non-COVID": ("non-COVID",)}
    assert Sarscov2Ct.class_folders("not read") == folders


def test_the_real_set_is_as_described(real_data):
    root = kaggle.find_root(Sarscov2Ct, str(real_data), "")
    names, files = Sarscov2Ct.list_files(root, "")
    covid, other = np.bincount([file.label for file in files])
    assert names == ("COVID", "non-COVID")
    for count in (f"{covid + other:,} chest CT", f"{covid:,} with SARS", f"{other:,} without"):
        assert count in Sarscov2Ct.DESCRIPTION
