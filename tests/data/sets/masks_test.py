import dataclasses

import pytest

from synthmed_jax.data.sets import masks
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("files", "found"),
    [
        # BUSI
        (
            ["benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png", "benign (2).png"],
            ["benign (1)_mask.png", "benign (1)_mask_1.png"],
        ),
        (["x.jpg", "x-mask.png"], ["x-mask.png"]),
        (["x.jpg", "x_Segmentation.png"], ["x_Segmentation.png"]),
        (["x.jpg", "x_gt.png", "x_label.png", "x_labels.png", "x_annotation.png"], None),
        (["p/x.nii.gz", "p/x_seg.nii.gz"], ["p/x_seg.nii.gz"]),
        # BraTS: the rest is the beginning of other names
        (["s/B_001_flair.nii.gz", "s/B_001_seg.nii.gz"], ["s/B_001_seg.nii.gz"]),
        (["B_0011_flair.nii.gz", "B_001_seg.nii.gz"], []),  # not before a separator
        (["p/x.png", "q/x_mask.png"], []),  # another folder
        (["x_seg_1.png", "x_seg_2.png"], []),  # segments of scans: nothing that they belong to
        (["unmask.png", "un.png"], []),
        # begins as a mask
        (["7.png", "mask_7.png"], ["mask_7.png"]),
        (["image_7.png", "image_8.png", "mask_7.png"], ["mask_7.png"]),
        (["img7.png", "label-7.png"], ["label-7.png"]),
        (["mask_7.png", "mask_8.png"], []),  # nothing that they belong to
        (["label_a.png", "b.png"], []),
        # words that also name images
        (["x.png", "x_roi.png", "x_lesion_2.png"], ["x_roi.png", "x_lesion_2.png"]),
        (["p1_lesion.png", "p1_normal.png"], []),
        # called so and no more
        (["p/image.png", "p/mask.png"], ["p/mask.png"]),
        (["p/t1.nii.gz", "p/seg.nii.gz", "q/seg.nii.gz"], ["p/seg.nii.gz"]),
        (["p/ct.png", "p/Mask_1.png", "p/mask_2.png"], ["p/Mask_1.png", "p/mask_2.png"]),
        (["mask1.png", "mask2.png"], []),
        # folders
        (["images/1.png", "masks/1.png", "masks/2.png"], ["masks/1.png"]),
        (["1.png", "annotations/deep/1.tif"], ["annotations/deep/1.tif"]),
        (["images/1.png", "labels/1_mask.png"], ["labels/1_mask.png"]),
        (["left/1.png", "right/1.png"], []),
        (["masks/1.png", "masks/2.png"], []),
    ],
)
def test_masks_pair_up_with_an_image(files, found):
    expected = files[1:] if found is None else found
    assert [mask.file for mask in masks.find(files)] == expected


def glob_in(message: str) -> str:
    return message.split("--config.data.exclude=")[1].split(" leaves")[0]


@pytest.mark.parametrize(
    ("images", "glob"),
    [
        ({"a": ["a/1.png", "a/1_mask.png"], "b": ["b/1.png"]}, "'*_mask*'"),
        ({"a": ["a/1.png", "a/1_GT.png"], "b": ["b/1.png", "b/1-seg.png"]}, "'*_GT*,*-seg*'"),
        ({"a": ["a/images/1.png", "a/masks/1.png"]}, "'*/masks/*'"),
        ({"a": ["a/p/image.png", "a/p/mask.png"]}, "'mask*'"),
        ({"a": ["a/x1.png", "a/mask_x1.png"]}, "'mask_*'"),
        ({"a": ["a/p/image.png", "a/p/mask.png", "a/maskless.png"]}, "'mask.*'"),
        # The short glob would take an image along.
        ({"a": ["a/1.png", "a/1_seg.png", "a/2_segment.png"]}, "'*_seg.*'"),
    ],
)
def test_the_way_on_matches_the_masks_and_no_image(tmp_path, settings, images, glob):
    for file in (file for files in images.values() for file in files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    with pytest.raises(UserError, match=r"--config\.data\.keep_masks=True") as error:
        masks.check(tmp_path, images, settings())
    assert glob_in(str(error.value)) == glob
    masks.check(tmp_path, images, settings(keep_masks=True))
    with pytest.raises(UserError) as error:
        masks.check(tmp_path, images, settings(exclude="*.tif"))
    assert glob_in(str(error.value)) == "'*.tif," + glob[1:]


def test_masks_are_counted_by_class(tmp_path, settings):
    images = {"a": ["a/1.png", "a/1_mask.png"], "b": ["b/1.png"]}
    data = dataclasses.replace(settings(), conflicts="keep")
    with pytest.raises(UserError, match=r"images: a 1 of 2 \(such as a/1_mask.png beside a/1.png"):
        masks.check(tmp_path, images, data)


def test_one_refusal_also_names_what_would_be_refused_next(tmp_path, settings):
    images = {"a": ["a/1.png", "a/1_mask.png"], "b": ["b/1.png", "b/2.png"]}
    for file in images["a"] + images["b"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("b/2.png" if file == "b/2.png" else "same")
    with pytest.raises(UserError, match=r"(?s)exclude.*Besides, 1 image .*conflicts=keep") as error:
        masks.check(tmp_path, images, settings())
    assert "class a has none left" in str(error.value)
