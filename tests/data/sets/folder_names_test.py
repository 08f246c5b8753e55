import pytest

from synthmed_jax.data.sets import folder_names
from synthmed_jax.data.sets.folder_names import COPIES, MASKS, PART, SYSTEM, WRAPPER, kind_of

NAMES = {
    PART: (
        "train", "Training", "TEST", "testing", "val", "valid", "validation", "eval", "Train_Data",
        "Test_Data", "training_set", "test set", "traindata", "trainA", "trainB", "fold1", "fold_2",
        "part_1", "HAM10000_images_part_1", "imagesTr", "imagesTs", "split-A",
        "ISIC_2019_Training_Input",
    ),
    MASKS: (
        "mask", "Masks", "label", "labels", "labelsTr", "annotation", "annotations", "seg",
        "segmentation", "segmentations", "gt", "groundtruth", "Ground Truth", "pred", "predictions",
        "lung_masks", "mask_images",
    ),
    COPIES: ("augmented", "augmentation", "aug", "Augmented Dataset"),
    WRAPPER: ("images", "image", "img", "imgs", "data", "dataset", "images_001", "DataSet"),
    SYSTEM: (
        "@eaDir", "$RECYCLE.BIN", "lost+found", "__MACOSX", "System Volume Information", "#recycle",
        ".thumbnails", "@__thumb",
    ),
    None: (
        "benign", "glioma", "no_tumor", "COVID", "testis", "validated", "training_wheels"[9:],
        "NORMAL", "with_mask", "without_mask", "no augmentation", "TR", "fold", "Part", "Segmented",
        "segmental", "grade_1", "良性肿瘤", "Schädel", "valve", "contest", "1", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for kind, names in NAMES.items() for name in names]
)
def test_a_name_is_read_word_by_word(name, kind):
    assert kind_of(name) == kind


def test_parts_are_named_in_their_usual_order():
    names = ["fold1", "Testing", "test_data", "traindata", "Val"]
    assert sorted(names, key=folder_names.order_of_part) == [
        "traindata",
        "Testing",
        "test_data",
        "Val",
        "fold1",
    ]
