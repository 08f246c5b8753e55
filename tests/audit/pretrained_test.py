import hashlib
import json
import pathlib

import numpy as np
import pytest
import safetensors.numpy

from synthmed_jax.audit import pretrained
from synthmed_jax.audit.settings import AuditSettings
from synthmed_jax.classifiers import penultimate
from synthmed_jax.errors import UserError
from synthmed_jax.results.audit import PretrainedNetwork

SHAPES = pathlib.Path(__file__).parents[1] / "classifiers" / "golden" / "mobilenet_v2.json"


def settings(weights, backbone="mobilenet_v2"):
    return AuditSettings(images=1000, seed=0, weights=str(weights), backbone=backbone)


@pytest.fixture
def state_dict(tmp_path):
    """A file with random weights, under torchvision's names; of 1000 classes."""
    rng, path = np.random.default_rng(0), tmp_path / "net.safetensors"
    arrays = {}
    for name, shape in json.loads(SHAPES.read_text()).items():
        fan_in = max(1, int(np.prod(shape[1:])))
        array = rng.normal(0, np.sqrt(2 / fan_in), shape) if len(shape) > 1 else np.ones(shape)
        arrays[name] = array.astype(np.float32)
    safetensors.numpy.save_file(arrays, path)
    return path


def test_without_weights_there_is_no_network(tmp_path):
    assert pretrained.load(settings(""), 2, tmp_path) is None


def test_the_users_weights_describe_images(state_dict, tmp_path, monkeypatch):
    monkeypatch.setattr(penultimate, "SIDE", 32)
    found = pretrained.load(settings(state_dict), 2, tmp_path)
    sha256 = hashlib.sha256(state_dict.read_bytes()).hexdigest()
    assert found.network == PretrainedNetwork("mobilenet_v2", state_dict.name, sha256, 32, "random")
    images = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 1), np.uint8)
    features = found.of(images)
    assert (features.shape, features.dtype) == ((5, 1280), np.float32)
    assert np.ptp(features, axis=0).max() > 0
    np.testing.assert_allclose(found.of(images[3:4])[0], features[3], rtol=1e-4, atol=1e-5)


def test_a_head_for_the_runs_own_classes_is_noticed(state_dict, tmp_path):
    assert pretrained.load(settings(state_dict), 1000, tmp_path).network.head == "kept"


@pytest.mark.parametrize(
    ("name", "backbone", "words"),
    [
        ("nowhere.pth", "mobilenet_v2", ["nowhere.pth", "no such file"]),
        ("net.safetensors", "resnet18", ["config.audit.backbone=resnet18", "state dict"]),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_field(state_dict, tmp_path, name, backbone, words):
    with pytest.raises(UserError) as refused:
        pretrained.load(settings(state_dict.parent / name, backbone), 2, tmp_path)
    for word in ["config.audit.weights=", *words]:
        assert word in str(refused.value)
