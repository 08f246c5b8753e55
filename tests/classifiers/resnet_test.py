import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from synthmed_jax import classifiers
from synthmed_jax.classifiers import torchvision_weights


def shapes(name, num_classes, images, **options):
    module = classifiers.create(name, num_classes, **options)
    images = jax.ShapeDtypeStruct(images, jnp.float32)
    return jax.eval_shape(lambda k, x: module.init(k, x, train=False), jax.random.key(0), images)


def error(ours, theirs):
    """Largest difference, relative to the largest of the golden values."""
    return np.max(np.abs(np.asarray(ours, np.float64) - theirs)) / np.max(np.abs(theirs))


@pytest.mark.parametrize(("name", "count"), [("resnet18", 11_689_512)])
def test_parameter_count_is_torchvisions(name, count):
    params = shapes(name, 1000, (1, 64, 64, 3))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count


def test_one_channel_images_and_few_classes():
    params = shapes("resnet18", 4, (2, 32, 32, 1))["params"]
    assert params["conv1"]["kernel"].shape == (7, 7, 1, 64)
    assert params["fc"]["kernel"].shape == (512, 4)


@pytest.mark.parametrize("size", [64, 224])
def test_inference_is_torchvisions(golden, size):
    expected = golden("resnet18")
    variables = torchvision_weights.from_state_dict("resnet18", expected.state_dict, 1000)
    module = classifiers.create("resnet18", 1000)
    logits = jax.jit(lambda v, x: module.apply(v, x, train=False))(variables, expected.images(size))
    assert error(logits, expected.answers[f"eval/{size}"]) < 1e-4


def test_training_mode_is_torchvisions(golden):
    expected = golden("resnet18")
    variables = torchvision_weights.from_state_dict("resnet18", expected.state_dict, 1000)
    module = classifiers.create("resnet18", 1000)

    @jax.jit
    def step(variables, x):
        return module.apply(variables, x, train=True, mutable=["batch_stats"])

    logits, updates = step(variables, expected.images(96, 4))
    last = updates["batch_stats"]["layer4_1"]["bn2"]
    assert error(logits, expected.answers["train/96"]) < 1e-4
    assert error(last["mean"], expected.answers["train/last_running_mean"]) < 1e-4
    assert error(last["var"], expected.answers["train/last_running_var"]) < 1e-4


def test_every_convolution_goes_through_the_option():
    calls = []

    def counted(*args, **kwargs):
        calls.append(args)
        return lax.conv_general_dilated(*args, **kwargs)

    shapes("resnet18", 4, (1, 64, 64, 3), conv_general_dilated=counted)
    assert len(calls) == 20


def test_bfloat16_computes_low_and_answers_in_float32():
    module = classifiers.create("resnet18", 4, dtype=jnp.bfloat16)
    images = jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    logits, variables = jax.eval_shape(
        lambda k, x: module.init_with_output(k, x, train=False), jax.random.key(0), images
    )
    assert logits.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype("float32")}
