"""From a ConfigDict to plain frozen settings: the only reader of ConfigDict.

Everything is checked here, before any work: a name that does not exist or a value out of range
raises UserError with the choices.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from synthmed_jax import checks
from synthmed_jax.classifiers.cross_validate import ARMS
from synthmed_jax.classifiers.networks import BACKBONES, create
from synthmed_jax.classifiers.settings import ClassifierSettings
from synthmed_jax.classifiers.weights.pretrained import IMAGENET, RANDOM
from synthmed_jax.data.pipeline import Augmentation
from synthmed_jax.data.records import DataSettings
from synthmed_jax.data.split import SplitSettings
from synthmed_jax.diffusion.conditioning import CONDITIONINGS
from synthmed_jax.diffusion.process import PREDICTIONS
from synthmed_jax.diffusion.sampling import SampleSettings
from synthmed_jax.diffusion.schedule import SCHEDULES
from synthmed_jax.diffusion.settings import TrainSettings
from synthmed_jax.diffusion.sweep import SweepSettings
from synthmed_jax.diffusion.unet import UNetConfig, smallest_side
from synthmed_jax.errors import UserError
from synthmed_jax.explain.settings import ExplainSettings
from synthmed_jax.search import SearchSettings


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole run, checked.

    Attributes:
      scale: name of the preset.
      cpu_devices: virtual CPU devices, 0: one a core.
      conditioning: one of CONDITIONINGS.
      schedule, zero_terminal_snr, num_steps, prediction: the diffusion process.
      augmentation: of the diffusion model's images.
      per_class: synthetic images a class.
      block: images a compiled call of the sampler.
      backbones, arms: what is trained on what.
      explain_arm: the arm whose best network is explained.
      fields: dotted config field -> value, for fingerprints and config.json.
    """

    scale: str
    cpu_devices: int
    data: DataSettings
    split: SplitSettings
    conditioning: str
    schedule: str
    zero_terminal_snr: bool
    num_steps: int
    prediction: str
    augmentation: Augmentation
    unet: UNetConfig
    train: TrainSettings
    per_class: int
    block: int
    sample: SampleSettings
    backbones: tuple[str, ...]
    arms: tuple[str, ...]
    sweep: SweepSettings
    tune: SearchSettings
    classifier: ClassifierSettings
    explain: ExplainSettings
    explain_arm: str
    fields: Mapping[str, Any]


def from_config(config: ConfigDict) -> Settings:
    """Checks a config and turns it into settings.

    Raises:
      UserError: a value out of range or an unknown choice.
    """
    blocks = config.to_dict()
    diffusion, generate = blocks["diffusion"], blocks["generate"]
    classifier, train, sweep = blocks["classifier"], diffusion["train"], blocks["sweep"]
    backbones = _names(classifier.pop("backbones"))
    if classifier.pop("backbone"):
        backbones = (config.classifier.backbone,)
    arms = _names(classifier.pop("arms"))
    explain_arm = blocks["explain"].pop("arm")
    if explain_arm not in arms:
        raise UserError(
            f"config.explain.arm={explain_arm!r} is not one of config.classifier.arms: "
            f"{', '.join(arms)}"
        )
    per_class, block = generate.pop("per_class"), generate.pop("block")
    for backbone in backbones:
        checks.one_of("config.classifier.backbones", backbone, BACKBONES)
    for arm in arms:
        checks.one_of("config.classifier.arms", arm, ARMS)
    if "synthetic" not in arms:
        raise UserError("config.classifier.arms must contain 'synthetic': that arm is the question")
    checks.one_of("config.diffusion.conditioning", diffusion["conditioning"], CONDITIONINGS)
    checks.one_of("config.diffusion.schedule", diffusion["schedule"], SCHEDULES)
    checks.one_of("config.diffusion.prediction", diffusion["prediction"], PREDICTIONS)
    checks.at_least("config.diffusion.num_steps", diffusion["num_steps"], 1)
    checks.at_least("config.generate.per_class", per_class, 1)
    checks.at_least("config.generate.block", block, 1)
    checks.at_least("config.cpu_devices", blocks["cpu_devices"], 0)
    settings = Settings(
        scale=blocks["scale"],
        cpu_devices=blocks["cpu_devices"],
        data=DataSettings(**blocks["data"]),
        split=SplitSettings(**blocks["split"]),
        conditioning=diffusion["conditioning"],
        schedule=diffusion["schedule"],
        zero_terminal_snr=diffusion["zero_terminal_snr"],
        num_steps=diffusion["num_steps"],
        prediction=diffusion["prediction"],
        augmentation=Augmentation(diffusion["flips"], diffusion["shift"], diffusion["warp"]),
        unet=UNetConfig(**diffusion["unet"]),
        train=TrainSettings(**train),
        per_class=per_class,
        block=block,
        sample=SampleSettings(**generate),
        backbones=backbones,
        arms=arms,
        classifier=ClassifierSettings(**classifier),
        sweep=SweepSettings(**sweep | {"candidates": _names(sweep["candidates"])}),
        tune=SearchSettings(**blocks["tune"]),
        explain=_explain(blocks["explain"], explain_arm),
        explain_arm=explain_arm,
        fields=dict(_flatten(config.to_dict())),
    )
    side = smallest_side(settings.unet)
    if settings.data.image_size % side:
        raise UserError(
            f"config.data.image_size={settings.data.image_size} must be a multiple of {side} for "
            "this U-Net (patch times 2 for every level after the first)"
        )
    _check_process(settings)
    _check_classifiers(settings)
    return settings


def _explain(block: dict[str, Any], arm: str) -> ExplainSettings:
    return ExplainSettings(arm=arm, compare_with_lime=block.pop("check"), **block)


def _check_process(settings: Settings) -> None:
    """Refuses pairs of values that are each right and together wrong."""
    if settings.sample.steps > settings.num_steps:
        raise UserError(
            f"config.generate.steps={settings.sample.steps} must be at most "
            f"config.diffusion.num_steps={settings.num_steps}"
        )
    if settings.zero_terminal_snr and settings.prediction == "eps":
        raise UserError(
            "config.diffusion.zero_terminal_snr=True can't go with prediction=eps: at pure noise "
            "eps says nothing about the image; use v or x0"
        )
    if settings.sample.guidance != 1 and not settings.train.label_dropout:
        raise UserError(
            f"config.generate.guidance={settings.sample.guidance} needs a model that was also "
            "trained without labels: set config.diffusion.train.label_dropout=0.1"
        )
    if settings.conditioning == "per_class" and settings.train.label_dropout:
        raise UserError(
            "config.diffusion.conditioning=per_class tells no model a class: there is nothing for "
            f"config.diffusion.train.label_dropout={settings.train.label_dropout} to hide"
        )


def _check_classifiers(settings: Settings) -> None:
    """What only fails hours later, when the generator has been trained."""
    own = settings.classifier
    for backbone in settings.backbones:
        smallest = create(backbone, 1, small_images=own.small_images).smallest
        if own.image_size < smallest:
            raise UserError(
                f"config.classifier.image_size={own.image_size}: {backbone} needs at least "
                f"{smallest}" + ("" if own.small_images else ", or classifier.small_images=True")
            )
    if own.weights in (RANDOM, IMAGENET):
        return
    if len(settings.backbones) > 1:
        raise UserError(
            f"config.classifier.weights={own.weights} is of one network, and there are "
            f"{len(settings.backbones)}: choose one with --config.classifier.backbone=..."
        )
    if not pathlib.Path(own.weights).expanduser().is_file():
        raise UserError(
            f"config.classifier.weights={own.weights} must be {RANDOM}, {IMAGENET} or the path of "
            "a state dict (.pth, .pt or .safetensors), and there is no such file"
        )


def _names(value: tuple[str, ...]) -> tuple[str, ...]:
    """Splits `--config.x=a,b`, which arrives as the one name "a,b"."""
    return tuple(name.strip() for item in value for name in item.split(",") if name.strip())


def _flatten(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, list(value) if isinstance(value, tuple) else value
