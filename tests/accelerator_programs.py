"""Every compiled program of a run, traced for a GPU or TPU that need not be here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import jax
import numpy as np

from synthmed_jax import parallel, rehearsal
from synthmed_jax.audit import features, identity_net, two_sample
from synthmed_jax.classifiers import feature_net, penultimate, placement
from synthmed_jax.classifiers.programs import make_network, make_programs
from synthmed_jax.classifiers.settings import make_rates
from synthmed_jax.classifiers.weights.pretrained import Pretrained
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.diffusion import denoising_loss, likelihood, sampling, validate
from synthmed_jax.diffusion.generate_settings import SampleSettings
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.step import init_state, make_step
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.explain.predictor import Predictor, make_view
from synthmed_jax.explain.second_opinions import GradCam
from synthmed_jax.rehearsal import Program, Rehearsal
from synthmed_jax.settings import Settings

CLASSES = ("a", "b", "c", "d")


def model_of(settings: Settings) -> Model:
    d, side = settings.diffusion, settings.data.image_size
    shape = (side, side, settings.data.channels)
    return Model(UNet(d.unet, len(CLASSES)), d.schedule, d.prediction, shape)


def images_of(side: int, channels: int, count: int) -> ImageSet:
    labels = np.arange(count, dtype=np.int32) % len(CLASSES)
    files = tuple(str(i) for i in range(count))
    return ImageSet(np.zeros((count, side, side, channels), np.uint8), labels, files, CLASSES)


def kernels(params: parallel.Tree) -> int:
    """Convolutions of a network, by its weights."""
    return sum(leaf.ndim == 4 for leaf in jax.tree.leaves(params))


# A program, and the convolutions that it has at least.
Found = Iterator[tuple[str, Program, int]]


def _last(rehearsed: Rehearsal, name: str, convolutions: int) -> tuple[str, Program, int]:
    return name, rehearsed.programs[-1], convolutions


def of_generator(settings: Settings, rehearsed: Rehearsal, names: tuple[str, ...]) -> Found:
    """Training step, every sampler of `names`, validation loss."""
    model, train = model_of(settings), settings.diffusion.train
    state = rehearsal.made(lambda: init_state(train, model))
    convolutions = kernels(state.params)
    batch = images_of(model.image_shape[0], model.image_shape[2], train.batch_size)
    make_step(train, model)(state, {"image": batch.images, "label": batch.labels})
    # Neither the images nor what is folded from them have a gradient.
    yield _last(rehearsed, "generator's training step", 3 * convolutions - 1)
    for name in names:
        how = {"sampler": name, "spacing": "time", "steps": min(50, settings.diffusion.num_steps)}
        draw = sampling.Draw(_sample_settings(settings, **how), model, settings.generate.block)
        index = np.zeros(draw.block, np.int32)
        walk = draw.start(index, index)
        yield _last(rehearsed, f"{name} begins", 0)
        draw.advance(state.params, index, index, walk, 0)
        yield _last(rehearsed, f"{name}'s steps", convolutions)
    validate.make_val_loss(model, batch, train.batch_size, 0)(state.params)
    yield _last(rehearsed, "validation loss", convolutions)


def of_attack(settings: Settings, rehearsed: Rehearsal) -> Found:
    """What the audit asks a generator: errors of single images, and bits per dimension."""
    model, train = model_of(settings), settings.diffusion.train
    state = rehearsal.made(lambda: init_state(train, model))
    convolutions = kernels(state.params)
    batch = images_of(model.image_shape[0], model.image_shape[2], train.batch_size)
    denoising_loss.denoising_losses(
        model, state.params, batch, batch.labels, np.zeros(1, np.int32), 1, train.batch_size, 0
    )
    yield _last(rehearsed, "attack by loss", convolutions)
    likelihood.terms(model, state.params, batch, train.batch_size, 0)
    yield "bound's steps", rehearsed.programs[-2], convolutions
    yield _last(rehearsed, "bound's ends", convolutions)


def _sample_settings(settings: Settings, **changes: object) -> SampleSettings:
    return dataclasses.replace(settings.generate, **changes)


def _jitted(
    rehearsed: Rehearsal, name: str, jitted: jax.stages.Wrapped, *arguments: parallel.Tree
) -> tuple[str, Program]:
    """A function that is compiled for one device, without parallel.py."""
    shapes = jax.tree.map(
        lambda x: (
            jax.ShapeDtypeStruct(jax.typeof(x).shape, jax.typeof(x).dtype)
            if not isinstance(x, jax.ShapeDtypeStruct)
            else x
        ),
        arguments,
    )
    return name, Program(name, jitted, shapes, 1, rehearsed.machine)


def of_classifier(settings: Settings, rehearsed: Rehearsal, backbone: str) -> Found:
    """Training step, with the images on the devices as a GPU has them, and prediction."""
    s = settings.classifier
    programs = make_programs(make_network(backbone, len(CLASSES), s), s)
    state = rehearsal.made(lambda: programs.init(jax.random.key(0), make_rates(s, 1)))
    convolutions = kernels(state.params)
    count = s.batch_size
    train = images_of(s.image_size, settings.data.channels, count)
    placed = placement.place(train, {"val": train}, count, 0, Augmentation("dihedral", 2))
    assert placed.resident is not None  # a GPU keeps them
    programs.step(state, placed.batches[0], placed.resident)
    yield f"{backbone} loads", rehearsed.programs[-2], 0
    # An auxiliary head, as GoogLeNet has, is part of the weights; images have no gradient.
    yield _last(rehearsed, f"{backbone}'s training step", 3 * convolutions - 2)
    given, resident = placed.validation["val"]
    programs.predict(state.variables, given, resident=resident)
    yield f"{backbone} loads to predict", rehearsed.programs[-2], 0
    yield _last(rehearsed, f"{backbone}'s prediction", 1)
    own = feature_net.training(penultimate.SIDE)  # with the network's own stem
    programs = make_programs(make_network(backbone, len(CLASSES), own), own)
    state = rehearsal.made(lambda: programs.init(jax.random.key(0), make_rates(own, 1)))
    published = Pretrained(state.variables, {})
    features_of = penultimate.make_features(backbone, len(CLASSES), published)
    features_of(images_of(s.image_size, settings.data.channels, 2).images)
    yield _last(rehearsed, f"{backbone}'s features", 1)


def of_explanation(settings: Settings, rehearsed: Rehearsal, backbone: str) -> Found:
    """LIME's predictor, with and without masks, and Grad-CAM."""
    s = settings.classifier
    programs = make_programs(make_network(backbone, len(CLASSES), s), s)
    state = rehearsal.made(lambda: programs.init(jax.random.key(0), make_rates(s, 1)))
    predictor = Predictor(programs.logits, state.variables, settings.explain.batch_size)
    image = images_of(s.image_size, settings.data.channels, 1).images[0]
    segments = np.arange(s.image_size**2).reshape(image.shape[:2]) % 8
    view = make_view(image, segments.astype(np.int32))
    predictor.masked(view, np.ones((3, view.num_regions), bool))
    yield _last(rehearsed, "LIME's predictor", 1)
    predictor.probabilities(image[None])
    yield _last(rehearsed, "LIME's predictor without masks", 1)
    cam = GradCam(predictor)
    asked = (state.variables, image[None], np.int32(0))
    yield (*_jitted(rehearsed, "Grad-CAM", cam._maps, *asked), 1)


def of_audit(settings: Settings, rehearsed: Rehearsal) -> Found:
    """Feature network, identity network, the network that tells two sets apart, searches."""
    side, channels = settings.data.image_size, settings.data.channels
    given = images_of(side, channels, 256).images
    network = feature_net.FeatureNet(len(CLASSES))
    training = feature_net.training(side)
    programs = make_programs(network, training)
    state = rehearsal.made(lambda: programs.init(jax.random.key(0), make_rates(training, 1)))
    few = images_of(side, channels, training.batch_size)
    programs.step(state, {"image": few.images, "label": few.labels})
    yield _last(rehearsed, "feature network's training step", 3 * kernels(state.params) - 1)
    feature_net.make_features(256)(state.variables, given)
    yield _last(rehearsed, "feature network", kernels(state.params))
    # They keep their compiled functions for the whole process, and these begin anew.
    for cached in (identity_net._step, identity_net._embed, two_sample._step, two_sample._scores):
        cached.cache_clear()
    learned = rehearsal.made(lambda: identity_net._fresh(identity_net._reduced(given), 0, 10))
    small = identity_net._reduced(given)[: identity_net._PAIRS]
    identity_net._step(10)(learned, small)
    yield _last(rehearsed, "identity network's training step", 3 * kernels(learned.params) - 1)
    identity_net.embed(learned.params, given)
    yield _last(rehearsed, "identity network", kernels(learned.params))
    params, opt_state = rehearsal.made(lambda: two_sample._begin(given, 0))
    labels = np.zeros(len(given), np.float32)
    step = two_sample._step()
    yield (
        *_jitted(rehearsed, "two-sample step", step, params, opt_state, given, labels),
        3 * kernels(params) - 1,
    )
    two_sample._scores()(params, given)
    yield _last(rehearsed, "two-sample scores", kernels(params))
    features._mapped.cache_clear()
    features.random_convolutions(given)
    yield _last(rehearsed, "random convolutions", 2)
