import re

import jax
import numpy as np
import pytest

from synthmed_jax import classifiers
from synthmed_jax.classifiers.weights.torchvision import count_classes, from_state_dict
from synthmed_jax.errors import UserError


@pytest.fixture
def state_dict(golden):
    return golden("resnet18").state_dict


def test_every_variable_is_filled(state_dict):
    variables = from_state_dict("resnet18", state_dict, 1000)
    module = classifiers.create("resnet18", 1000)
    images = jax.ShapeDtypeStruct((1, 64, 64, 3), np.float32)
    wanted = jax.eval_shape(lambda k, x: module.init(k, x, train=False), jax.random.key(0), images)
    assert jax.tree.map(np.shape, variables) == jax.tree.map(np.shape, wanted)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype("float32")}


def test_layouts(state_dict):
    params = from_state_dict("resnet18", state_dict, 1000)["params"]
    theirs = state_dict["layer2.0.downsample.0.weight"]
    ours = params["layer2_0"]["downsample_0"]["kernel"]
    assert ours[0, 0, 5, 7] == np.float32(theirs[7, 5, 0, 0])
    assert params["fc"]["kernel"][3, 9] == np.float32(state_dict["fc.weight"][9, 3])


def test_a_missing_key_is_named(state_dict):
    del state_dict["layer3.1.bn2.running_var"]
    with pytest.raises(UserError, match=r"lacks: 'layer3\.1\.bn2\.running_var'\."):
        from_state_dict("resnet18", state_dict, 1000)


def test_an_unknown_key_is_named(state_dict):
    state_dict["layer1.0.conv3.weight"] = np.zeros(1)
    with pytest.raises(UserError, match=r"unknown entries: 'layer1\.0\.conv3\.weight'\."):
        from_state_dict("resnet18", state_dict, 1000)


def test_another_naming_is_cut_short(state_dict):
    prefixed = {f"module.{key}": value for key, value in state_dict.items()}
    with pytest.raises(UserError, match=r"lacks: 'bn1\.bias', .* and 97 more\."):
        from_state_dict("resnet18", prefixed, 1000)


def test_a_misshapen_entry_is_named_with_both_shapes(state_dict):
    state_dict["conv1.weight"] = np.zeros((64, 1, 7, 7))
    message = r"'conv1\.weight' has shape \(64, 1, 7, 7\), but \(64, 3, 7, 7\) is needed"
    with pytest.raises(UserError, match=message):
        from_state_dict("resnet18", state_dict, 1000)


def test_a_head_for_other_classes_is_refused(state_dict):
    with pytest.raises(UserError, match=r"with 4 classes: 'fc\.(bias|weight)' has shape \(1000"):
        from_state_dict("resnet18", state_dict, 4)


def test_torchs_counters_are_optional(state_dict):
    bare = {k: v for k, v in state_dict.items() if not k.endswith("num_batches_tracked")}
    assert len(bare) == 102
    from_state_dict("resnet18", bare, 1000)


def test_without_a_head_any_head_will_do(state_dict):
    full = from_state_dict("resnet18", state_dict, 1000)
    state_dict["fc.weight"] = np.zeros((7, 512))
    found = from_state_dict("resnet18", state_dict, None)
    del full["params"]["fc"]
    assert jax.tree.all(jax.tree.map(np.array_equal, found, full))


def test_a_stem_of_another_size_is_named(state_dict):
    with pytest.raises(
        UserError, match=r"'conv1.weight' has shape \(64, 3, 7, 7\), but \(64, 3, 3"
    ):
        from_state_dict("resnet18", state_dict, 1000, small_images=True)


def test_googlenets_auxiliary_heads_are_left_out(golden):
    state_dict = golden("googlenet").state_dict
    with_heads = state_dict | {"aux1.conv.conv.weight": np.zeros(1), "aux2.fc2.bias": np.zeros(1)}
    expected = from_state_dict("googlenet", state_dict, 1000)
    found = from_state_dict("googlenet", with_heads, 1000)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_densenets_older_names_are_known(golden):
    state_dict = golden("densenet121").state_dict
    older = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): array
        for key, array in state_dict.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in older
    expected = from_state_dict("densenet121", state_dict, 1000)
    found = from_state_dict("densenet121", older, 1000)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_classes_are_counted(state_dict):
    assert count_classes("resnet18", state_dict) == 1000
    assert count_classes("vgg16", state_dict) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [(np.nan, "not finite"), (1e300, "not finite"), (1j, "complex numbers")],
)
def test_numbers_that_no_training_can_start_from_are_refused(state_dict, value, fault):
    state_dict["fc.bias"] = np.full(1000, value)
    with pytest.raises(UserError, match=rf"'fc\.bias' holds .*{fault}"):
        from_state_dict("resnet18", state_dict, 1000)


def test_a_head_that_is_one_number_is_none():
    assert count_classes("resnet18", {"fc.bias": np.array(3.0)}) is None
