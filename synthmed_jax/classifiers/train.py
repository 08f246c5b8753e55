"""Training of one classifier: compiled programs, and one run with early stopping."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import traverse_util

from synthmed_jax import checks, parallel, runlog
from synthmed_jax.classifiers import create, placement
from synthmed_jax.classifiers.inputs import normalise
from synthmed_jax.classifiers.layers import Layers
from synthmed_jax.classifiers.pretrained import RANDOM, TRANSFORMS, Pretrained, transforms_input
from synthmed_jax.conv import conv_general_dilated
from synthmed_jax.data.images import ImageSet
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.errors import Diverged, UserError

# What validation means -> which images: synthetic, those of its training set that a fold leaves
# out (the paper's); val, the real ones that the generator did not learn from either.
SELECTIONS = {"synthetic": "fold", "val": "real_val"}
DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained (paper section 4.5: AdamW, cross-entropy, early stopping).

    Attributes:
      image_size: side (pixels) that the network sees.
      small_images: a stem that keeps every pixel, in place of the networks' own (see `create`).
      weights: that training starts from: RANDOM, IMAGENET, or the path of a state dict.
      transform_input: whether GoogLeNet transforms its input, one of TRANSFORMS.
      dtype: what the layers compute in, one of DTYPES; weights, statistics and logits are float32.
      batch_size: images a step, over all devices; smaller training sets use what they have.
      max_epochs: at most so many.
      min_steps: optimiser steps that `max_epochs` epochs hold at least. A training set too small
        for that is passed over several times an epoch, so that a small set and a large one are
        compared after as much training, with the same patience.
      patience: epochs without a lower validation loss before training stops.
      selection: what a lower validation loss means, one of SELECTIONS.
      learning_rate: peak of AdamW's rate, after one epoch of linear warm-up.
      schedule: of the rate after that, one of SCHEDULES.
      label_smoothing: share of a label that is spread over all classes.
      weight_decay: AdamW's.
      folds: k of the stratified cross-validation.
      flips, shift: augmentation of the training images; `shift` in pixels.
      seed: of weights, folds and batches.
    """

    image_size: int
    small_images: bool
    weights: str
    transform_input: str
    dtype: str
    batch_size: int
    max_epochs: int
    min_steps: int
    patience: int
    selection: str
    learning_rate: float
    schedule: str
    label_smoothing: float
    weight_decay: float
    folds: int
    flips: str
    shift: int
    seed: int

    def __post_init__(self) -> None:
        least = {"image_size": 1, "batch_size": 1, "max_epochs": 1, "patience": 1, "folds": 2}
        for name, value in (least | {"min_steps": 0, "weight_decay": 0, "seed": 0}).items():
            checks.at_least(f"config.classifier.{name}", getattr(self, name), value)
        checks.above("config.classifier.learning_rate", self.learning_rate, 0)
        checks.between("config.classifier.label_smoothing", self.label_smoothing, 0, 1)
        checks.one_of("config.classifier.transform_input", self.transform_input, TRANSFORMS)
        checks.one_of("config.classifier.dtype", self.dtype, DTYPES)
        checks.one_of("config.classifier.selection", self.selection, SELECTIONS)
        checks.one_of("config.classifier.schedule", self.schedule, SCHEDULES)
        Augmentation(self.flips, self.shift)


class Rates(NamedTuple):
    """Numbers of a training that one compiled program takes as they come, each f32[].

    Attributes:
      learning_rate, weight_decay, label_smoothing: as in ClassifierSettings.
      warmup_steps, total_steps: of the learning rate's schedule.
    """

    learning_rate: jax.Array
    weight_decay: jax.Array
    label_smoothing: jax.Array
    warmup_steps: jax.Array
    total_steps: jax.Array


class State(NamedTuple):
    """Weights and optimiser state of one classifier; `key` is what dropout draws from."""

    step: jax.Array
    key: jax.Array
    rates: Rates
    params: Any
    batch_stats: Any
    opt_state: Any


class Log(Protocol):
    """What is told of every epoch."""

    def write(self, **values: float) -> None:
        """Takes one record: epoch, losses and accuracies."""


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


# Share of the peak rate by progress after the warm-up, 0 to 1.
SCHEDULES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "cosine": lambda progress: 0.5 * (1 + jnp.cos(jnp.pi * progress)),
    "constant": jnp.ones_like,
}


def rate_at(schedule: str, step: jax.Array, total_steps: jax.Array, warmup: jax.Array) -> jax.Array:
    """Share of the peak rate: linear warm-up, then one of SCHEDULES until total_steps."""
    progress = jnp.clip((step - warmup) / jnp.maximum(total_steps - warmup, 1), 0, 1)
    return jnp.minimum((step + 1) / jnp.maximum(warmup, 1), SCHEDULES[schedule](progress))


def make_rates(settings: ClassifierSettings, steps_an_epoch: int) -> Rates:
    """The numbers of a training with epochs of so many steps."""
    total = steps_an_epoch * settings.max_epochs
    numbers = (settings.learning_rate, settings.weight_decay, settings.label_smoothing)
    return Rates(*(jnp.float32(number) for number in (*numbers, steps_an_epoch, total)))


def passes_per_epoch(settings: ClassifierSettings, batches_per_pass: int) -> int:
    """How often an epoch passes over a training set, so that training can have `min_steps`."""
    return max(1, math.ceil(settings.min_steps / (settings.max_epochs * batches_per_pass)))


def batch_of(settings: ClassifierSettings, num_train: int) -> int:
    """Images a step: `batch_size` or what the set has, a multiple of the devices; 0: too few."""
    devices = jax.local_device_count()
    return min(settings.batch_size, num_train) // devices * devices


def steps_of(settings: ClassifierSettings, num_train: int) -> int:
    """Optimiser steps of one epoch."""
    batches_per_pass = num_train // batch_of(settings, num_train)
    return passes_per_epoch(settings, batches_per_pass) * batches_per_pass


def make_network(backbone: str, num_classes: int, settings: ClassifierSettings) -> nn.Module:
    """A network with fast convolutions and BatchNorm over all devices."""
    layers = Layers(parallel.AXIS, jnp.dtype(settings.dtype), conv_general_dilated)
    fields = {}
    if backbone == "googlenet":
        fields["transform_input"] = transforms_input(settings.transform_input, settings.weights)
    return create(
        backbone, num_classes, layers=layers, small_images=settings.small_images, **fields
    )


def make_programs(
    network: nn.Module, settings: ClassifierSettings, pretrained: Pretrained | None = None
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
            settings.schedule, state.step, rates.total_steps, rates.warmup_steps
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


def train_fold(
    programs: Programs,
    settings: ClassifierSettings,
    seed: int,
    train: ImageSet,
    validation: Mapping[str, ImageSet],
    select: str,
    log: Log,
    description: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains one network, keeping the weights of the lowest validation loss.

    Args:
      programs: the network's.
      seed: of its weights and batches.
      train: at `settings.image_size`.
      validation: sets by name whose loss and accuracy are measured after each epoch.
      select: the name of the set whose loss decides.
      log: gets one record an epoch.
      description: of the progress bar.

    Returns:
      ({"params", "batch_stats"}, result): the best epoch's variables as numpy arrays, its losses
      and accuracies ("val_" are those of the selected set), how training ended, and as "choices"
      what the epoch scored that each set would have chosen.

    Raises:
      UserError: too few training images.
      Diverged: a loss that is no longer finite.
    """
    batch_size = batch_of(settings, len(train))
    if batch_size == 0:
        devices = jax.local_device_count()
        raise UserError(f"{description}: {len(train)} training images for {devices} devices")
    passes = passes_per_epoch(settings, len(train) // batch_size)
    steps = steps_of(settings, len(train))
    augmentation = Augmentation(settings.flips, settings.shift)
    placed = placement.place(train, validation, batch_size, seed, augmentation)
    state = programs.init(jax.random.key(seed), make_rates(settings, steps))
    best: dict[str, Any] = {}
    best_variables: dict[str, Any] = {}
    choices: dict[str, dict[str, Any]] = {}
    started = time.monotonic()
    stopped = "max_epochs"
    bar = runlog.progress(
        description=description, total=settings.max_epochs * steps * batch_size, unit="image"
    )
    epoch = 0
    with bar:
        for epoch in range(1, settings.max_epochs + 1):
            seen = []
            for n in range((epoch - 1) * steps, epoch * steps):
                state, metrics = programs.step(state, placed.batches[n], placed.kept)
                seen.append(metrics)
                bar.update(batch_size)
            means = jax.tree.map(lambda *v: float(np.mean(v)), *jax.device_get(seen))
            variables = {"params": state.params, "batch_stats": state.batch_stats}
            scores = {}
            for name, (images, kept) in placed.validation.items():
                probabilities = programs.predict(variables, images, kept=kept)
                scores[name] = _score(probabilities, validation[name].labels)
            record = {
                "train_loss": means["loss"],
                "train_accuracy": means["accuracy"],
                "val_loss": scores[select]["loss"],
                "val_accuracy": scores[select]["accuracy"],
            }
            for name, score in scores.items():
                if name not in choices or score["loss"] < choices[name]["scores"][name]["loss"]:
                    choices[name] = {"epoch": epoch, "scores": scores}
            if not np.isfinite([record["train_loss"], record["val_loss"]]).all():
                raise Diverged(
                    f"{description}: the loss is no longer finite in epoch {epoch}; "
                    "lower config.classifier.learning_rate, in a new --workdir"
                )
            numbers = {
                f"{name}_{what}": number
                for name, score in scores.items()
                for what, number in score.items()
            }
            log.write(epoch=epoch, **record, **numbers)
            bar.set_postfix(val_loss=f"{record['val_loss']:.4f}", refresh=False)
            if not best or record["val_loss"] < best["val_loss"]:
                best = {"best_epoch": epoch, **record}
                best_variables = jax.tree.map(np.array, variables)
            elif epoch - best["best_epoch"] >= settings.patience:
                stopped = "patience"
                break
    seconds = time.monotonic() - started
    result = best | {
        "epochs": epoch,
        "passes_per_epoch": passes,
        "steps": epoch * steps,
        "stopped": stopped,
        "selected_by": select,
        "choices": choices,
        "batch_size": batch_size,
        "initial": programs.initial,
        "num_train": len(train),
        "num_val": len(validation[select]),
        "seconds": seconds,
        "images_per_second": epoch * steps * batch_size / seconds,
    }
    return best_variables, result


def _score(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
    right = probabilities.argmax(-1) == labels
    return {"loss": float(-np.log(own).mean()), "accuracy": float(right.mean())}
