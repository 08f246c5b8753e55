import numpy as np
import pytest

from synthmed_jax.data.sets import kaggle
from synthmed_jax.data.sets.leukemia import Leukemia


@pytest.mark.parametrize("variant", Leukemia.VARIANTS)
def test_a_variant_is_a_folder_of_four_classes(variant):
    assert Leukemia.class_folders(variant) == {
        name: (f"{variant}/{name}",) for name in ("Benign", "Early", "Pre", "Pro")
    }


def test_the_real_set_is_as_described(real_data):
    root = kaggle.find_root(Leukemia, str(real_data), "Original")
    names, files = Leukemia.list_files(root, "Original")
    counts = np.bincount([file.label for file in files])
    # As in the set's own publication (doi:10.1002/int.22753).
    assert dict(zip(names, counts, strict=True)) == {
        "Benign": 504,
        "Early": 985,
        "Pre": 963,
        "Pro": 804,
    }
    assert f"{counts.sum():,} peripheral blood smear images" in Leukemia.DESCRIPTION
