import jax
import jax.numpy as jnp
import numpy as np

from synthmed_jax import classifiers
from synthmed_jax.classifiers import penultimate
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.weights import torchvision
from synthmed_jax.classifiers.weights.pretrained import Pretrained

WIDTHS = {
    "resnet18": 512,
    "resnet50": 2048,
    "vgg16": 4096,
    "vgg19": 4096,
    "alexnet": 4096,
    "densenet121": 1024,
    "mobilenet_v2": 1280,
    "googlenet": 1024,
}


def test_every_network_has_a_last_layer_that_sees_features():
    assert set(WIDTHS) == set(BACKBONES)
    for name, width in WIDTHS.items():
        network = classifiers.create(name, 5)
        images = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
        variables = jax.eval_shape(
            lambda key, x, network=network: network.init(key, x, train=False),
            jax.random.key(0),
            images,
        )
        found = jax.eval_shape(
            lambda v, x, network=network: penultimate.penultimate(network, v, x), variables, images
        )
        assert (name, found.shape, found.dtype) == (name, (2, width), jnp.float32)


def test_the_last_layer_makes_torchvisions_logits_of_them(golden):
    name = "mobilenet_v2"
    known = golden(name)
    network = classifiers.create(name, 1000)
    variables = torchvision.from_state_dict(name, known.state_dict, 1000)
    run = jax.jit(lambda x: penultimate.penultimate(network, variables, x))
    found = np.asarray(run(known.images(64)))
    head = BACKBONES[name].head
    kernel, bias = (known.state_dict[f"{head}.{leaf}"] for leaf in ("weight", "bias"))
    expected = known.answers["eval/64"]
    np.testing.assert_allclose(found @ kernel.T + bias, expected, atol=1e-3 * expected.std())


def test_a_missing_head_changes_no_feature_and_images_of_any_size_are_taken(golden, monkeypatch):
    monkeypatch.setattr(penultimate, "SIDE", 32)
    state_dict = golden("mobilenet_v2").state_dict
    found = []
    for num_classes in (1000, None):
        given = Pretrained(
            torchvision.from_state_dict("mobilenet_v2", state_dict, num_classes),
            {"weights": "any", "sha256": "0" * 64, "head": "any"},
        )
        of = penultimate.make_features("mobilenet_v2", num_classes or 3, given)
        grey = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 1), np.uint8)
        found.append(of(grey))
    assert found[0].shape == (3, 1280)
    assert found[0].dtype == np.float32
    assert np.ptp(found[0], axis=0).max() > 0
    np.testing.assert_allclose(*found, rtol=1e-5)
