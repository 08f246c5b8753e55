"""From a ConfigDict to plain frozen settings, block by block as in configs/base.py.

Everything is checked here, before any work: a name that does not exist or a value out of range
raises UserError with the choices. Values of one block are checked by its dataclass, what takes
several blocks, or a network, below.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from synthmed_jax import checks, config_fields, field_history
from synthmed_jax.arms import ARMS, AUGMENTED, FILTERED, SYNTHETIC
from synthmed_jax.audit.settings import AuditSettings
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.classifiers.settings import IMAGENET, RANDOM, ClassifierSettings
from synthmed_jax.data import sets
from synthmed_jax.data.settings import DataSettings, SplitSettings
from synthmed_jax.diffusion import advice
from synthmed_jax.diffusion.generate_settings import NO_FILTER, GenerateSettings, SweepSettings
from synthmed_jax.diffusion.settings import LINEAR_STEPS, DiffusionSettings, TrainSettings
from synthmed_jax.diffusion.unet_settings import UNetSettings, attention_hint, smallest_side
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation.compare_settings import CompareSettings
from synthmed_jax.evaluation.pool_settings import PoolSettings
from synthmed_jax.evaluation.predict_settings import PredictSettings
from synthmed_jax.evaluation.settings import EvaluateSettings
from synthmed_jax.explain.settings import ExplainSettings
from synthmed_jax.search import SearchSettings

Block = dict[str, Any]  # a block of a config: field -> value, or a block

# Each master seed has so many seeds of its own, so that no two of them share one: a stage also
# draws with its block's seed plus small numbers, and plus 1000 for each of a cell's trainings.
SEEDS_EACH = 100_000
_MASTER_SEEDS = 10_000
_BLOCK_SEEDS = 1000  # which leaves room for 99 trainings of a cell


@dataclasses.dataclass(frozen=True)
class Settings:
    """A whole run, checked: one attribute per block of configs/base.py, with the block's name.

    Attributes:
      scale: name of the preset.
      protocol: one of protocol.PROTOCOLS.
      cpu_devices: virtual CPU devices, 0: one per core.
      seed: the master seed. The seeds in the blocks below are moved by it, those in `fields` are as
        they were given.
      tensorboard: whether trainings write event files.
      fields: dotted config field -> value, for fingerprints and config.json.
    """

    scale: str
    protocol: str
    cpu_devices: int
    seed: int
    tensorboard: bool
    data: DataSettings
    split: SplitSettings
    diffusion: DiffusionSettings
    generate: GenerateSettings
    audit: AuditSettings
    classifier: ClassifierSettings
    sweep: SweepSettings
    tune: SearchSettings
    evaluate: EvaluateSettings
    pool: PoolSettings
    compare: CompareSettings
    predict: PredictSettings
    explain: ExplainSettings
    fields: Mapping[str, object]

    def block(self, name: str) -> Block:
        """Field -> value of a block that has no attribute here: of a stage that was added."""
        prefix = f"{name}."
        of_block = {
            field.removeprefix(prefix): value
            for field, value in self.fields.items()
            if field.startswith(prefix)
        }
        return _with_moved_seeds(of_block, self.seed, prefix)


def check_fields(config: ConfigDict, added: Collection[str] = ()) -> None:
    """Refuses a config whose fields have other names or types than those of configs/base.py.

    Args:
      config: as a config file left it; former names of fields are understood.
      added: blocks that only stages know.

    Raises:
      UserError: naming the field, and the nearest name or what its value must be.
    """
    types = config_fields.types_of(Settings)
    del types["fields"]
    types["classifier"]["backbone"] = str  # one network, instead of `backbones`
    block = config.to_dict()
    for name in added:
        if name in block and name not in types:
            types[name] = None
    config_fields.check(config_fields.normalise(block), types)


def from_config(config: ConfigDict, added: Collection[str] = ()) -> Settings:
    """Checks a config and turns it into settings.

    Args:
      config: see configs/base.py.
      added: as in `check_fields`.

    Raises:
      UserError: a value out of range, an unknown choice or field.
    """
    check_fields(config, added)
    blocks = config_fields.normalise(config.to_dict())
    fields = dict(_flatten(blocks))
    checks.between("config.seed", blocks["seed"], 0, _MASTER_SEEDS)
    blocks = _with_moved_seeds(blocks, blocks["seed"])
    diffusion, classifier = blocks["diffusion"], blocks["classifier"]
    backbone = classifier.pop("backbone")
    classifier["backbones"] = (backbone,) if backbone else _names(classifier["backbones"])
    classifier["arms"] = _names(classifier["arms"])
    blocks["sweep"]["candidates"] = _names(blocks["sweep"]["candidates"])
    diffusion["unet"] = UNetSettings(**diffusion["unet"])
    diffusion["train"] = TrainSettings(**diffusion["train"])
    checks.at_least("config.cpu_devices", blocks["cpu_devices"], 0)
    settings = Settings(
        scale=blocks["scale"],
        protocol=blocks["protocol"],
        cpu_devices=blocks["cpu_devices"],
        seed=blocks["seed"],
        tensorboard=blocks["tensorboard"],
        data=DataSettings(**blocks["data"]),
        split=SplitSettings(**blocks["split"]),
        diffusion=DiffusionSettings(**diffusion),
        generate=GenerateSettings(**blocks["generate"]),
        audit=AuditSettings(**blocks["audit"]),
        classifier=ClassifierSettings(**classifier),
        sweep=SweepSettings(**blocks["sweep"]),
        tune=SearchSettings(**blocks["tune"]),
        evaluate=EvaluateSettings(**blocks["evaluate"]),
        pool=PoolSettings(**blocks["pool"]),
        compare=CompareSettings(**blocks["compare"]),
        predict=PredictSettings(**blocks["predict"]),
        explain=ExplainSettings(**blocks["explain"]),
        fields=fields,
    )
    sets.check_settings(settings.data)
    _check_generator(settings)
    _check_arms(settings)
    _check_networks(settings.classifier)
    return settings


def from_document(document: Mapping[str, object], added: Collection[str] = ()) -> Settings:
    """Turns the config.json of a workdir, which an earlier version may have written, into settings.

    Args:
      document: field -> value, or a block.
      added: as in `check_fields`.

    Raises:
      UserError: as of `from_config`.
    """
    fields = dict(_flatten(document))
    fields = field_history.ADDED | field_history.with_new_names(fields)
    blocks: Block = {}
    for name, value in fields.items():
        *path, field = name.split(".")
        block = blocks
        for part in path:
            block = block.setdefault(part, {})
        block[field] = _as_tuple(value)
    return from_config(ConfigDict(blocks), added)


def _as_tuple(value: object) -> object:
    """JSON has lists where a config has tuples."""
    return tuple(value) if isinstance(value, list) else value


def warnings(settings: Settings) -> list[str]:
    """What is allowed and seldom meant: one sentence each."""
    diffusion, generate = settings.diffusion, settings.generate
    found = []
    if generate.guidance > 1 and generate.threshold == "dynamic":
        found.append(
            f"config.generate.guidance={generate.guidance} with threshold=dynamic turns black "
            "backgrounds, as of MRI, grey: threshold=clip keeps them black"
        )
    if diffusion.noise_schedule == "linear" and diffusion.num_steps < LINEAR_STEPS:
        found.append(
            f"config.diffusion.num_steps={diffusion.num_steps} is too few for "
            f"noise_schedule=linear, whose last steps are then noise alone: take {LINEAR_STEPS} or "
            "more, or noise_schedule=cosine"
        )
    return found + advice.warnings(diffusion, generate)


def _check_generator(settings: Settings) -> None:
    """Refuses pairs of values that are each right and together wrong."""
    diffusion, generate = settings.diffusion, settings.generate
    _check_image_size(settings.data.image_size, diffusion.unet)
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


def _check_image_size(image_size: int, unet: UNetSettings) -> None:
    """Refuses a side that the levels can't halve; names the nearest that they can."""
    factor = smallest_side(unet)
    if image_size % factor:
        below = image_size // factor * factor
        sizes = [f"{size}{attention_hint(unet, size)}" for size in (below, below + factor) if size]
        raise UserError(
            f"config.data.image_size={image_size} must be a multiple of {factor} for this U-Net "
            f"(patch times 2 for every level after the first): {' or '.join(sizes)}"
        )


def _check_arms(settings: Settings) -> None:
    arms, explained = settings.classifier.arms, settings.explain.arm
    for arm in arms:
        checks.one_of("config.classifier.arms", arm, ARMS)
    if explained not in arms:
        raise UserError(
            f"config.explain.arm={explained!r} is not one of config.classifier.arms: "
            f"{', '.join(arms)}"
        )
    checks.one_of("config.classifier.augmented", settings.classifier.augmented, AUGMENTED)
    if SYNTHETIC not in arms:
        raise UserError("config.classifier.arms must contain 'synthetic': that arm is the question")
    if FILTERED in arms and settings.generate.filter == NO_FILTER:
        raise UserError(
            f"config.classifier.arms={FILTERED} trains on what a filter leaves: set "
            "--config.generate.filter=copies, or leave the arm out"
        )


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


def _with_moved_seeds(block: Mapping[str, Any], master: int, prefix: str = "") -> Block:
    """Returns a copy in which the master seed has moved the field `seed` of every block.

    Raises:
      UserError: a seed is too large to be moved without becoming another master seed's.
    """
    moved: Block = {}
    for name, value in block.items():
        if isinstance(value, Mapping):
            moved[name] = _with_moved_seeds(value, master, f"{prefix}{name}.")
        elif name == "seed" and prefix and master:
            checks.between(
                f"config.seed={master} needs a small seed in each block: config.{prefix}{name}",
                value,
                0,
                _BLOCK_SEEDS,
            )
            moved[name] = value + SEEDS_EACH * master
        else:
            moved[name] = value
    return moved


def _names(value: tuple[str, ...]) -> tuple[str, ...]:
    """Splits `--config.x=a,b`, which arrives as the one name "a,b"."""
    return tuple(name.strip() for item in value for name in item.split(",") if name.strip())


def _flatten(block: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, list(value) if isinstance(value, tuple) else value
