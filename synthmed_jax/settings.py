"""From a ConfigDict to plain frozen settings, block by block as in configs/base.py.

Everything is checked here, before any work: a name that does not exist or a value out of range
raises UserError with the choices. Values of one block are checked by its dataclass, what takes
several blocks, or a network, below.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ml_collections import ConfigDict

from synthmed_jax import checks
from synthmed_jax.arms import ARMS, SYNTHETIC
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.settings import IMAGENET, RANDOM, ClassifierSettings
from synthmed_jax.data import sets
from synthmed_jax.data.settings import DataSettings, SplitSettings
from synthmed_jax.diffusion import advice
from synthmed_jax.diffusion.settings import (
    DiffusionSettings,
    GenerateSettings,
    SweepSettings,
    TrainSettings,
    UNetSettings,
    smallest_side,
)
from synthmed_jax.errors import UserError
from synthmed_jax.explain.settings import ExplainSettings
from synthmed_jax.search import SearchSettings

Block = dict[str, Any]  # a block of a config: field -> value, or a block
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole run, checked: one attribute per block of configs/base.py, with the block's name.

    Attributes:
      scale: name of the preset.
      protocol: one of protocol.PROTOCOLS.
      cpu_devices: virtual CPU devices, 0: one per core.
      fields: dotted config field -> value, for fingerprints and config.json.
    """

    scale: str
    protocol: str
    cpu_devices: int
    data: DataSettings
    split: SplitSettings
    diffusion: DiffusionSettings
    generate: GenerateSettings
    classifier: ClassifierSettings
    sweep: SweepSettings
    tune: SearchSettings
    explain: ExplainSettings
    fields: Mapping[str, object]

    def block(self, name: str) -> Block:
        """Field -> value of a block that has no attribute here: of a stage that was added."""
        prefix = f"{name}."
        return {
            field.removeprefix(prefix): value
            for field, value in self.fields.items()
            if field.startswith(prefix)
        }


def from_config(config: ConfigDict) -> Settings:
    """Checks a config and turns it into settings.

    Raises:
      UserError: a value out of range, an unknown choice or field.
    """
    blocks = config.to_dict()
    diffusion, classifier = blocks["diffusion"], blocks["classifier"]
    backbone = classifier.pop("backbone")
    classifier["backbones"] = (backbone,) if backbone else _names(classifier["backbones"])
    classifier["arms"] = _names(classifier["arms"])
    blocks["sweep"]["candidates"] = _names(blocks["sweep"]["candidates"])
    diffusion["unet"] = _build(UNetSettings, diffusion["unet"], "diffusion.unet")
    diffusion["train"] = _build(TrainSettings, diffusion["train"], "diffusion.train")
    checks.at_least("config.cpu_devices", blocks["cpu_devices"], 0)
    settings = Settings(
        scale=blocks["scale"],
        protocol=blocks["protocol"],
        cpu_devices=blocks["cpu_devices"],
        data=_build(DataSettings, blocks["data"], "data"),
        split=_build(SplitSettings, blocks["split"], "split"),
        diffusion=_build(DiffusionSettings, diffusion, "diffusion"),
        generate=_build(GenerateSettings, blocks["generate"], "generate"),
        classifier=_build(ClassifierSettings, classifier, "classifier"),
        sweep=_build(SweepSettings, blocks["sweep"], "sweep"),
        tune=_build(SearchSettings, blocks["tune"], "tune"),
        explain=_build(ExplainSettings, blocks["explain"], "explain"),
        fields=dict(_flatten(config.to_dict())),
    )
    sets.check_settings(settings.data)
    _check_generator(settings)
    _check_arms(settings)
    _check_networks(settings.classifier)
    return settings


def _build(kind: type[T], block: Block, name: str) -> T:
    """Makes a block's dataclass, whose fields are the block's."""
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for field in block:
        checks.one_of(f"a field of config.{name}", field, known)
    missing = [field for field in known if field not in block]
    if missing:
        raise UserError(f"config.{name} lacks {', '.join(missing)}: start from configs/base.py")
    return kind(**block)


def warnings(settings: Settings) -> list[str]:
    """What is allowed and seldom meant: one sentence each."""
    return advice.warnings(settings.diffusion, settings.generate)


def _check_generator(settings: Settings) -> None:
    """Refuses pairs of values that are each right and together wrong."""
    diffusion, generate = settings.diffusion, settings.generate
    side = smallest_side(diffusion.unet)
    if settings.data.image_size % side:
        raise UserError(
            f"config.data.image_size={settings.data.image_size} must be a multiple of {side} for "
            "this U-Net (patch times 2 for every level after the first)"
        )
    if generate.steps > diffusion.num_steps:
        raise UserError(
            f"config.generate.steps={generate.steps} must be at most "
            f"config.diffusion.num_steps={diffusion.num_steps}"
        )
    if generate.guidance != 1 and not diffusion.train.label_dropout:
        raise UserError(
            f"config.generate.guidance={generate.guidance} needs a model that was also "
            "trained without labels: set config.diffusion.train.label_dropout=0.1"
        )


def _check_arms(settings: Settings) -> None:
    arms, explained = settings.classifier.arms, settings.explain.arm
    if explained not in arms:
        raise UserError(
            f"config.explain.arm={explained!r} is not one of config.classifier.arms: "
            f"{', '.join(arms)}"
        )
    for arm in arms:
        checks.one_of("config.classifier.arms", arm, ARMS)
    if SYNTHETIC not in arms:
        raise UserError("config.classifier.arms must contain 'synthetic': that arm is the question")


def _check_networks(classifier: ClassifierSettings) -> None:
    """What would only fail hours later, when the generator has been trained."""
    for name in classifier.backbones:
        checks.one_of("config.classifier.backbones", name, BACKBONES)
        smallest = BACKBONES[name].smallest.side(classifier.small_images)
        if classifier.image_size < smallest:
            hint = "" if classifier.small_images else ", or classifier.small_images=True"
            raise UserError(
                f"config.classifier.image_size={classifier.image_size}: {name} needs at least "
                f"{smallest}{hint}"
            )
    weights = classifier.weights
    if weights in (RANDOM, IMAGENET):
        return
    if len(classifier.backbones) > 1:
        raise UserError(
            f"config.classifier.weights={weights} is of one network, and there are "
            f"{len(classifier.backbones)}: choose one with --config.classifier.backbone=..."
        )
    if not pathlib.Path(weights).expanduser().is_file():
        raise UserError(
            f"config.classifier.weights={weights} must be {RANDOM}, {IMAGENET} or the path of "
            "a state dict (.pth, .pt or .safetensors), and there is no such file"
        )


def _names(value: tuple[str, ...]) -> tuple[str, ...]:
    """Splits `--config.x=a,b`, which arrives as the one name "a,b"."""
    return tuple(name.strip() for item in value for name in item.split(",") if name.strip())


def _flatten(block: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, list(value) if isinstance(value, tuple) else value
