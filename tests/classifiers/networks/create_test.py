import pytest

from synthmed_jax import classifiers
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.errors import UserError


def test_an_unknown_name_gets_the_nearest_and_all_choices():
    with pytest.raises(UserError, match=r"'resnet-18' is not one of .*mean 'resnet18'"):
        classifiers.create("resnet-18", 4)


def test_a_name_like_no_other_gets_the_choices_alone():
    with pytest.raises(UserError, match=r"'zzz' is not one of .*resnet18"):
        classifiers.create("zzz", 4)


def test_options_become_fields():
    module = classifiers.create("resnet18", 4, layers=Layers("batch"), small_images=True)
    assert (module.num_classes, module.layers.axis_name, module.small_images) == (4, "batch", True)
