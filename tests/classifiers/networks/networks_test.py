"""What holds for every network: torchvision's answers, and our options."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from synthmed_jax import classifiers
from synthmed_jax.classifiers import inputs
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.weights import torchvision
from synthmed_jax.errors import UserError

# Of each network at 1000 classes: parameters and convolutions.
COUNTS = {
    "resnet18": (11_689_512, 20),
    "resnet50": (25_557_032, 53),
    "vgg16": (138_357_544, 13),
    "vgg19": (143_667_240, 16),
    "alexnet": (61_100_840, 5),
    "densenet121": (7_978_856, 120),
    "mobilenet_v2": (3_504_872, 52),
    "googlenet": (6_624_904, 57),
}
DROPS_OUT = {"vgg16", "vgg19", "alexnet", "mobilenet_v2", "googlenet"}
# The module of the last BatchNorm.
LAST_NORM = {
    "resnet18": ("layer4_1", "bn2"),
    "resnet50": ("layer4_2", "bn3"),
    "densenet121": ("features_norm5",),
    "mobilenet_v2": ("features_18_1",),
    "googlenet": ("inception5b", "branch4_1", "bn"),
}


def shapes(name, num_classes, images, **fields):
    module = classifiers.create(name, num_classes, **fields)
    images = jax.ShapeDtypeStruct(images, jnp.float32)
    return jax.eval_shape(
        lambda k, x: module.init_with_output(k, x, train=False), jax.random.key(0), images
    )


def error(ours, theirs):
    """Largest difference, relative to the largest of the golden values."""
    return np.max(np.abs(np.asarray(ours, np.float64) - theirs)) / np.max(np.abs(theirs))


def test_all_are_tested():
    assert set(COUNTS) == set(BACKBONES)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_and_convolutions_are_torchvisions(name):
    calls = []

    def counted(*args, **kwargs):
        calls.append(args)
        return lax.conv_general_dilated(*args, **kwargs)

    layers = Layers(conv_general_dilated=counted)
    _, variables = shapes(name, 1000, (1, 64, 64, 3), layers=layers)
    count = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert (count, len(calls)) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_inference_is_torchvisions(golden, name):
    expected = golden(name)
    variables = torchvision.from_state_dict(name, expected.state_dict, 1000)
    module = classifiers.create(name, 1000)
    run = jax.jit(lambda v, x: module.apply(v, x, train=False))
    for size in (64, 224):
        logits = run(variables, expected.images(size))
        assert error(logits, expected.answers[f"eval/{size}"]) < 1e-4


@pytest.mark.parametrize("name", LAST_NORM)
def test_training_mode_is_torchvisions(golden, name):
    expected = golden(name)
    variables = torchvision.from_state_dict(name, expected.state_dict, 1000)
    module = classifiers.create(name, 1000, **({"dropout": 0.0} if name in DROPS_OUT else {}))

    @jax.jit
    def step(variables, x):
        return module.apply(variables, x, train=True, mutable=["batch_stats"])

    logits, updates = step(variables, expected.images(96, 4))
    last = updates["batch_stats"]
    for part in LAST_NORM[name]:
        last = last[part]
    assert error(logits, expected.answers["train/96"]) < 1e-4
    assert error(last["mean"], expected.answers["train/last_running_mean"]) < 1e-4
    assert error(last["var"], expected.answers["train/last_running_var"]) < 1e-4


@pytest.mark.parametrize("small_images", [False, True])
@pytest.mark.parametrize("name", COUNTS)
def test_the_smallest_image_is_taken_and_less_refused(name, small_images):
    smallest = BACKBONES[name].smallest.side(small_images)
    logits, _ = shapes(name, 4, (1, smallest, smallest, 3), small_images=small_images)
    assert logits.shape == (1, 4)
    with pytest.raises(UserError, match=f"at least {smallest} pixels a side, not {smallest - 1}"):
        shapes(name, 4, (1, smallest, smallest - 1, 3), small_images=small_images)


# What is left of 64 pixels at the last convolution: with the stem of torchvision, and with one that
# keeps every pixel.
LAST_SIDES = {
    "resnet18": (2, 8), "resnet50": (2, 8), "vgg16": (4, 8), "vgg19": (4, 8), "alexnet": (3, 31),
    "densenet121": (2, 8), "mobilenet_v2": (2, 8), "googlenet": (2, 16),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_a_stem_for_small_images_keeps_every_pixel(name):
    def convolutions(**fields):
        """Side and kernel of every convolution, of images of 64 pixels."""
        found = []

        def noted(lhs, rhs, *args, **kwargs):
            found.append((lhs.shape[1], rhs.shape[0]))
            return lax.conv_general_dilated(lhs, rhs, *args, **kwargs)

        shapes(name, 4, (1, 64, 64, 3), layers=Layers(conv_general_dilated=noted), **fields)
        return found

    own, kept = convolutions(), convolutions(small_images=True)
    assert kept[0] == (64, 3)
    assert kept[1][0] == 64
    assert (own[-1][0], kept[-1][0]) == LAST_SIDES[name]


@pytest.mark.parametrize("name", COUNTS)
def test_one_channel_images_and_few_classes(name):
    logits, _ = shapes(name, 4, (2, 64, 64, 1))
    assert logits.shape == (2, 4)


@pytest.mark.parametrize("name", COUNTS)
def test_bfloat16_computes_low_and_answers_in_float32(name):
    dtypes = []

    def noted(lhs, *args, **kwargs):
        dtypes.append(lhs.dtype)
        return lax.conv_general_dilated(lhs, *args, **kwargs)

    layers = Layers(dtype=jnp.bfloat16, conv_general_dilated=noted)
    logits, variables = shapes(name, 4, (2, 64, 64, 3), layers=layers)
    assert set(dtypes) == {np.dtype(jnp.bfloat16)}
    assert logits.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype("float32")}


def test_dropout_follows_its_key():
    module = classifiers.create("mobilenet_v2", 4)
    x = jax.random.normal(jax.random.key(0), (2, 32, 32, 3))

    @jax.jit
    def run(key):
        variables = module.init(jax.random.key(1), x, train=False)
        return module.apply(
            variables, x, train=True, rngs={"dropout": key}, mutable=["batch_stats"]
        )[0]

    keys = jax.random.split(jax.random.key(2), 2)
    first, again, other = run(keys[0]), run(keys[0]), run(keys[1])
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_googlenet_can_take_images_to_mean_and_deviation_one_half():
    pixels = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    plain = classifiers.create("googlenet", 4)
    own = classifiers.create("googlenet", 4, transform_input=True)

    @jax.jit
    def both():
        variables = plain.init(jax.random.key(1), pixels, train=False)
        as_others = (pixels - inputs.IMAGENET_MEAN) / inputs.IMAGENET_STD
        return (
            plain.apply(variables, (pixels - 0.5) / 0.5, train=False),
            own.apply(variables, as_others, train=False),
        )

    expected, found = both()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-7)
