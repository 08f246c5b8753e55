"""The compiled functions of one classifier: its training step and its prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import traverse_util

from synthmed_jax import parallel
from synthmed_jax.classifiers import placement
from synthmed_jax.classifiers.inputs import normalise
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.networks import BACKBONES, create
from synthmed_jax.classifiers.networks.backbone import Variables
from synthmed_jax.classifiers.rates import Rates, rate_at
from synthmed_jax.classifiers.settings import RANDOM, TrainingSettings
from synthmed_jax.classifiers.weights.pretrained import Pretrained, transforms_input
from synthmed_jax.conv import conv_general_dilated
from synthmed_jax.parallel import Tree


class State(NamedTuple):
    """Weights and optimiser state of one classifier.

    Attributes:
      step: i32[], optimiser steps taken.
      key: from which the keys of dropout are derived.
      rates: learning rate, weight decay and the like.
      params, batch_stats: of the network.
      opt_state: Adam's.
    """

    step: jax.Array
    key: jax.Array
    rates: Rates
    params: Tree
    batch_stats: Tree
    opt_state: Tree

    @property
    def variables(self) -> Variables:
        """{"params", "batch_stats"}, what the network is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


class Programs(NamedTuple):
    """The compiled functions of one network, which serve all folds of all its cells.

    Attributes:
      init: (key, Rates) -> State.
      step: (State, {"image": u8[B,S,S,C], "label": i32[B]}) -> (State, {"loss", "accuracy"}).
      predict: ({"params", "batch_stats"}, u8[N,S,S,C]) -> probabilities f32[N,K], any N.
        `step` and `predict` also take indices of images that stay on the devices (placement.py).
      logits: of what `predict` takes, f32[N,K]; for use inside other compiled functions.
      initial: what `init` starts from (see `Pretrained.facts`), and "transform_input": "yes" where
        the network transforms its input.
    """

    init: Callable[[jax.Array, Rates], State]
    step: Callable[..., tuple[State, dict[str, jax.Array]]]
    predict: Callable[..., np.ndarray]
    logits: Callable[[Variables, jax.Array], jax.Array]
    initial: dict[str, str]


def make_network(
    backbone: str,
    num_classes: int,
    settings: TrainingSettings,
    pretrained: Pretrained | None = None,
) -> nn.Module:
    """Builds a network with fast convolutions, and with BatchNorm over all devices.

    Args:
      backbone: a key of `networks.BACKBONES`.
      num_classes: K.
      pretrained: the weights that the network will be given; None: random ones.
    """
    layers = Layers(parallel.AXIS, jnp.dtype(settings.dtype), conv_general_dilated)
    options: dict[str, bool] = {}
    record = BACKBONES[backbone]
    if record.transforms_input:
        facts = pretrained.facts if pretrained else {}
        options["transform_input"] = transforms_input(record, settings.transform_input, facts)
    return create(
        backbone, num_classes, layers=layers, small_images=settings.small_images, **options
    )


def make_programs(
    network: nn.Module, settings: TrainingSettings, pretrained: Pretrained | None = None
) -> Programs:
    """Compiles (on first use) what training and prediction with one network need.

    Args:
      pretrained: the weights that training starts from; None: random ones.
    """
    adam = optax.scale_by_adam()
    shape = (1, settings.image_size, settings.image_size, 3)

    @jax.jit
    def random_state(key: jax.Array, rates: Rates) -> State:
        variables = network.init(key, jnp.zeros(shape), train=False)
        params = variables["params"]
        stats = variables.get("batch_stats", {})
        return State(jnp.zeros((), jnp.int32), key, rates, params, stats, adam.init(params))

    def init(key: jax.Array, rates: Rates) -> State:
        state = random_state(key, rates)
        if pretrained is None:
            return state
        given = pretrained.variables
        return state._replace(
            params=_replace(state.params, given["params"]),
            batch_stats=_replace(state.batch_stats, given["batch_stats"]),
        )

    def step(state: State, batch: dict[str, jax.Array]) -> tuple[State, dict[str, jax.Array]]:
        rates = state.rates

        def loss_of(params: Tree) -> tuple[jax.Array, tuple[jax.Array, Tree]]:
            logits, new = network.apply(
                {"params": params, "batch_stats": state.batch_stats},
                normalise(batch["image"]),
                train=True,
                mutable=["batch_stats"],
                rngs={"dropout": jax.random.fold_in(state.key, state.step)},
            )
            wanted = jax.nn.one_hot(batch["label"], logits.shape[-1])
            wanted = optax.smooth_labels(wanted, rates.label_smoothing)
            loss = parallel.weighted(optax.softmax_cross_entropy(logits, wanted)).mean()
            return loss, (logits, new.get("batch_stats", {}))

        gradient_of = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (logits, batch_stats)), gradient = gradient_of(state.params)
        hits = (logits.argmax(-1) == batch["label"]).astype(jnp.float32)
        accuracy = parallel.weighted(hits).mean()
        loss, accuracy, gradient = parallel.mean((loss, accuracy, gradient))
        updates, opt_state = adam.update(gradient, state.opt_state)
        rate = rates.learning_rate * rate_at(
            settings.rate_schedule, state.step, rates.total_steps, rates.warmup_steps
        )
        params = jax.tree.map(
            lambda p, u: p - rate * (u + rates.weight_decay * p), state.params, updates
        )
        # BatchNorm has computed the statistics of the global batch, equal on every device; the mean
        # only makes that known to pmap.
        batch_stats = parallel.mean(batch_stats)
        metrics = {"loss": loss, "accuracy": accuracy}
        new = State(state.step + 1, state.key, rates, params, batch_stats, opt_state)
        return new, metrics

    def logits_of(variables: Variables, images: jax.Array) -> jax.Array:
        return cast(jax.Array, network.apply(variables, normalise(images), train=False))

    def predict(variables: Variables, images: jax.Array) -> jax.Array:
        return jax.nn.softmax(logits_of(variables, images))

    return Programs(
        init,
        parallel.train_step(step, placement.load_batch),
        parallel.map_examples(predict, settings.batch_size, placement.load_images),
        logits_of,
        _facts(network, pretrained),
    )


def _facts(network: nn.Module, pretrained: Pretrained | None) -> dict[str, str]:
    facts = pretrained.facts if pretrained else {"weights": RANDOM}
    transforms = getattr(network, "transform_input", False)
    return facts | ({"transform_input": "yes"} if transforms else {})


def _replace(variables: Tree, given: Tree) -> Tree:
    """The variables, but for those that are given: these take their places."""
    flat = traverse_util.flatten_dict(variables)
    return traverse_util.unflatten_dict(flat | traverse_util.flatten_dict(given))
