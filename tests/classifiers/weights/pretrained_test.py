import dataclasses
import hashlib
import http.client
import io
import re

import jax
import numpy as np
import pytest
import safetensors.numpy

from configs import phantom_ddpm
from synthmed_jax import classifiers
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates
from synthmed_jax.classifiers.weights import pretrained
from synthmed_jax.errors import UserError
from synthmed_jax.settings import from_config

NAME = "mobilenet_v2"
SETTINGS = from_config(phantom_ddpm.get_config("smoke")).classifier
RATES = make_rates(SETTINGS, 1)


@pytest.fixture
def weights(golden, tmp_path):
    """Golden weights as a file."""
    state_dict = golden(NAME).state_dict
    path = tmp_path / "weights.safetensors"
    arrays = {key: np.ascontiguousarray(array, np.float32) for key, array in state_dict.items()}
    safetensors.numpy.save_file(arrays, path)
    return path, arrays


def load(path, num_classes, cache="none"):
    return pretrained.load(str(path), NAME, num_classes, cache, small_images=False)


def test_a_head_for_other_classes_is_left_out_and_said_so(weights):
    path, arrays = weights
    found = load(path, 4)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.facts == {"weights": path.name, "sha256": sha256, "head": "random"}
    assert "classifier_1" not in found.variables["params"]
    ours = found.variables["params"]["features_0_0"]["kernel"]
    np.testing.assert_array_equal(ours, arrays["features.0.0.weight"].transpose(2, 3, 1, 0))


def test_a_head_for_as_many_classes_is_kept(weights):
    path, arrays = weights
    found = load(path, 1000)
    assert found.facts["head"] == "kept"
    head = found.variables["params"]["classifier_1"]["kernel"]
    np.testing.assert_array_equal(head, arrays["classifier.1.weight"].T)


def test_training_starts_from_them_with_a_head_of_its_own(weights):
    found = load(weights[0], 4)
    programs = make_programs(make_network(NAME, 4, SETTINGS), SETTINGS, found)
    states = [programs.init(jax.random.key(seed), RATES) for seed in (0, 1)]
    assert programs.initial == found.facts
    first, second = (state.params for state in states)
    assert first["classifier_1"]["kernel"].shape == (1280, 4)
    assert not np.allclose(first["classifier_1"]["kernel"], second["classifier_1"]["kernel"])
    given = found.variables
    np.testing.assert_array_equal(
        first["features_18_0"]["kernel"], given["params"]["features_18_0"]["kernel"]
    )
    np.testing.assert_array_equal(
        states[0].batch_stats["features_18_1"]["var"], given["batch_stats"]["features_18_1"]["var"]
    )
    network = classifiers.create(NAME, 4)
    wanted = jax.eval_shape(
        lambda k, x: network.init(k, x, train=False), jax.random.key(0), np.zeros((1, 32, 32, 3))
    )
    assert jax.tree.map(np.shape, first) == jax.tree.map(np.shape, wanted["params"])
    assert jax.tree.structure(first) == jax.tree.structure(wanted["params"])


@pytest.mark.parametrize(
    ("sha256", "choice", "acts"),
    [
        ("1378be20" + 56 * "0", "auto", True),
        (64 * "0", "auto", False),
        (None, "auto", False),
        (64 * "0", "yes", True),
        ("1378be20" + 56 * "0", "no", False),
    ],
)
def test_googlenet_transforms_its_input_for_torchvisions_own_weights(sha256, choice, acts):
    # Whatever the file is called: its content tells.
    start = pretrained.Pretrained({}, {"sha256": sha256}) if sha256 else None
    settings = dataclasses.replace(SETTINGS, transform_input=choice)
    network = make_network("googlenet", 4, settings, start)
    assert network.transform_input == acts
    assert ("transform_input" in make_programs(network, settings).initial) == acts
    others = make_programs(make_network(NAME, 4, settings), settings)
    assert "transform_input" not in others.initial


def publish_as(monkeypatch, name):
    """Makes `name` the published file of the network."""
    record = dataclasses.replace(BACKBONES[NAME], published=name)
    monkeypatch.setitem(BACKBONES, NAME, record)


def publish(monkeypatch, tmp_path, digits=8):
    """A published file of our own, of which the cache knows the name."""
    source = tmp_path / "source"
    source.mkdir()
    data = b"weights, one would think"
    name = f"{NAME}-{hashlib.sha256(data).hexdigest()[:digits]}.pth"
    (source / name).write_bytes(data)
    publish_as(monkeypatch, name)
    return source, data


def test_a_published_file_is_fetched_once(monkeypatch, tmp_path):
    source, data = publish(monkeypatch, tmp_path)
    url = source.as_uri() + "/"
    path = pretrained.published_file(NAME, tmp_path / "cache", url)
    assert path.read_bytes() == data
    (source / path.name).unlink()
    assert pretrained.published_file(NAME, tmp_path / "cache", url) == path
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_damaged_published_file_is_refused(monkeypatch, tmp_path):
    source, _ = publish(monkeypatch, tmp_path)
    file = source / BACKBONES[NAME].published
    file.write_bytes(b"something else")
    for _ in range(2):  # What came damaged is not taken for the file by the next run either.
        with pytest.raises(UserError, match=r"is damaged: its sha256 begins with"):
            pretrained.published_file(NAME, tmp_path / "cache", source.as_uri() + "/")
    kept = tmp_path / "cache" / "weights" / file.name
    kept.write_bytes(b"put there by hand")
    with pytest.raises(UserError, match=rf"{kept} is damaged"):
        pretrained.published_file(NAME, tmp_path / "cache", source.as_uri() + "/")


def test_without_a_network_it_says_where_to_put_the_file(tmp_path):
    nowhere = (tmp_path / "nowhere").as_uri() + "/"
    wanted = r"put it at .*cache/weights/mobilenet_v2-b0353104\.pth.* lacks resnet18.*vgg16-397923a"
    with pytest.raises(UserError, match=wanted):
        pretrained.published_file(NAME, tmp_path / "cache", nowhere)


def test_a_connection_that_breaks_off_is_said_so(monkeypatch, tmp_path):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise http.client.IncompleteRead(b"", 9)

    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Broken())
    with pytest.raises(UserError, match=r"can't be fetched \(IncompleteRead"):
        pretrained.published_file(NAME, tmp_path / "cache")


def test_imagenets_weights_go_from_the_published_file_into_the_network(
    monkeypatch, tmp_path, weights
):
    path, arrays = weights
    name = f"{NAME}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.safetensors"
    publish_as(monkeypatch, name)
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    path.rename(tmp_path / "cache" / "weights" / name)
    found = load("imagenet", 1000, tmp_path / "cache")
    # The head says what is a dog: it is made anew even for as many classes.
    assert (found.facts["weights"], found.facts["head"]) == (name, "random")
    ours = found.variables["params"]["features_0_0"]["kernel"]
    np.testing.assert_array_equal(ours, arrays["features.0.0.weight"].transpose(2, 3, 1, 0))


def test_every_network_has_a_published_file():
    names = {backbone: record.published for backbone, record in BACKBONES.items()}
    assert len(set(names.values())) == len(BACKBONES)
    for backbone, record in BACKBONES.items():
        assert record.published.startswith(backbone)
        assert re.fullmatch(r"[0-9a-f]{8}", record.published_sha256)


def test_a_file_of_another_network_is_named(golden, tmp_path):
    path = tmp_path / "resnet.safetensors"
    arrays = golden("resnet18").state_dict
    safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, path)
    with pytest.raises(UserError, match=r"lacks: .* Is it torchvision's mobilenet_v2"):
        load(path, 4)
