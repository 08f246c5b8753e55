"""The compiled functions of one classifier: its training step and its prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

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
from synthmed_jax.classifiers.rates import Rates, rate_at
from synthmed_jax.classifiers.settings import RANDOM, TrainingSettings
from synthmed_jax.classifiers.weights.pretrained import Pretrained, transforms_input
from synthmed_jax.conv import conv_general_dilated


class State(NamedTuple):
    """Weights and optimiser state of one classifier.

    Attributes:
      step: i32[], optimiser steps taken.
      key: what dropout draws from.
      rates: the training's numbers.
      params, batch_stats: of the network.
      opt_state: Adam's.
    """

    step: jax.Array
    key: jax.Array
    rates: Rates
    params: Any
    batch_stats: Any
    opt_state: Any

    @property
    def variables(self) -> dict[str, Any]:
        """{"params", "batch_stats"}, what the network is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


class Programs(NamedTuple):
    """The compiled functions of one network, reused fold after fold and arm after arm.

    Attributes:
      init: (key, Rates) -> State.
      step: (State, batch with "image" and "label") -> (State, metrics).
      predict: ({"params", "batch_stats"}, u8[N,S,S,C]) -> probabilities f32[N,K], any N.
        Both take images that stay on the devices too (see placement.py).
      logits: what `predict` is made of: the same arguments -> logits f32[N,K], for use inside other
        compiled functions.
      initial: what `init` starts from (see `Pretrained.facts`), and "transform_input" where a
        GoogLeNet transforms its input.
    """

    init: Callable[[jax.Array, Rates], State]
    step: Callable[..., tuple[State, dict[str, jax.Array]]]
    predict: Callable[..., np.ndarray]
    logits: Callable[[dict[str, Any], jax.Array], jax.Array]
    initial: dict[str, str]


def make_network(
    backbone: str,
    num_classes: int,
    settings: TrainingSettings,
    pretrained: Pretrained | None = None,
) -> nn.Module:
    """A network with fast convolutions and BatchNorm over all devices.

    Args:
      pretrained: the weights that it is for; None: random ones.
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

        def loss_of(params: Any) -> tuple[jax.Array, tuple[jax.Array, Any]]:
            logits, new = network.apply(
                {"params": params, "batch_stats": state.batch_stats},
                normalise(batch["image"]),
                train=True,
                mutable=["batch_stats"],
                rngs={"dropout": jax.random.fold_in(state.key, state.step)},
            )
            wanted = jax.nn.one_hot(batch["label"], logits.shape[-1])
            wanted = optax.smooth_labels(wanted, rates.label_smoothing)
            loss = optax.softmax_cross_entropy(logits, wanted).mean()
            return loss, (logits, new.get("batch_stats", {}))

        gradient_of = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (logits, batch_stats)), gradient = gradient_of(state.params)
        accuracy = (logits.argmax(-1) == batch["label"]).mean()
        loss, accuracy, gradient = parallel.mean((loss, accuracy, gradient))
        updates, opt_state = adam.update(gradient, state.opt_state)
        rate = rates.learning_rate * rate_at(
            settings.rate_schedule, state.step, rates.total_steps, rates.warmup_steps
        )
        params = jax.tree.map(
            lambda p, u: p - rate * (u + rates.weight_decay * p), state.params, updates
        )
        # Every device holds the statistics of the global batch already (BatchNorm's axis_name);
        # the mean only tells the runtime so.
        batch_stats = parallel.mean(batch_stats)
        metrics = {"loss": loss, "accuracy": accuracy}
        new = State(state.step + 1, state.key, rates, params, batch_stats, opt_state)
        return new, metrics

    def logits_of(variables: dict[str, Any], images: jax.Array) -> jax.Array:
        return cast(jax.Array, network.apply(variables, normalise(images), train=False))

    def predict(variables: dict[str, Any], images: jax.Array) -> jax.Array:
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


def _replace(variables: Any, given: Any) -> Any:
    """The variables, with those that are given in their places."""
    flat = traverse_util.flatten_dict(variables)
    return traverse_util.unflatten_dict(flat | traverse_util.flatten_dict(given))
