import numpy as np
import pytest

from synthmed_jax.diffusion import conditioning


@pytest.mark.parametrize("name", conditioning.CONDITIONINGS)
def test_every_image_is_learnt_once_and_every_label_has_one_model(name, images):
    val = images.subset([0, 1, 2])
    portions = conditioning.portions(name, images, val)
    assert sorted(f for p in portions for f in p.fit.files) == sorted(images.files)
    assert sorted(f for p in portions for f in p.val.files) == sorted(val.files)
    assert sorted(label for p in portions for label in p.labels) == [0, 1]
    assert len({p.folder for p in portions}) == len(portions)
    own = conditioning.num_labels(name, images.class_names)
    for portion in portions:
        assert portion.fit.labels.max() < own == len(portion.fit.class_names)


def test_one_model_a_class_sees_its_class_alone(images):
    left, right = conditioning.portions("per_class", images, images.subset([]))
    np.testing.assert_array_equal(left.fit.images, images.images[images.labels == 0])
    assert right.labels == {1: 0}
    assert not right.fit.labels.any()
    assert right.fit.class_names == ("right",)
    assert len(right.val) == 0
