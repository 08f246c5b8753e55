import collections

import numpy as np

from synthmed_jax.data.sets import kaggle
from synthmed_jax.data.sets.brain_tumor_mri import BrainTumorMri

CLASSES = ("glioma", "meningioma", "notumor", "pituitary")


def test_kaggles_two_parts_are_pooled():
    folders = BrainTumorMri.class_folders("not read")
    assert folders == {name: (f"Training/{name}", f"Testing/{name}") for name in CLASSES}


def test_the_real_set_is_as_described(real_data):
    root = kaggle.find_root(BrainTumorMri, str(real_data), "")
    names, files = BrainTumorMri.list_files(root, "")
    assert names == CLASSES
    counts = np.bincount([file.label for file in files])
    parts = collections.Counter(file.file.split("/")[0] for file in files)
    # Kaggle's 7,023 files: 5,712 for training, 1,311 for testing. The copy that this was written
    # with lacks four of notumor's 2,000.
    assert counts.tolist() in ([1621, 1645, 2000, 1757], [1621, 1645, 1996, 1757])
    lacking = 7023 - counts.sum()
    assert parts == {"Training": 5712 - lacking, "Testing": 1311}
    assert "7,023 brain MRI slices" in BrainTumorMri.DESCRIPTION
