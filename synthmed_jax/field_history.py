"""How config fields have changed since workdirs exist, so that finished workdirs stay valid.

A test holds today's fields against those of the first version: whoever adds or renames a field is
told to write it down here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Former name -> today's. The former one is understood for one version, with a message.
RENAMED = {
    "data.fit": "data.square",
    "diffusion.schedule": "diffusion.noise_schedule",
    "classifier.schedule": "classifier.rate_schedule",
    "tune.sampler": "tune.search",
    "explain.check": "explain.compare_with_lime",
}
_FIRST_NAMES = {today: former for former, today in RENAMED.items()}
# Fields added after workdirs existed, with the value that reproduces what was done without them: at
# that value they are no part of a fingerprint.
ADDED: dict[str, object] = {
    "diffusion.unet.middle_attention": True,
    "diffusion.unet.embedding": "scale_shift",
    "classifier.transform_input": "auto",
    "classifier.dtype": "float32",
    "explain.control": "none",
    "explain.precision": 0.0,
    "data.table": "",
    "data.columns": "",
    "data.classes": "",
    "data.parts": "",
    "data.exclude": "",
    "data.keep_masks": False,
    "data.conflicts": "refuse",
    "data.window": "",
    "data.slices": "",
    "data.max_pixels": 89_478_485,
    "generate.counts": "",
    "generate.enough_for_arms": False,
    "generate.filter": "none",
    "generate.off_class_share": 0.01,
    "audit.images": 1000,
    "audit.seed": 0,
    "audit.weights": "",
    "audit.backbone": "resnet18",
    "audit.references": "",
    "evaluate.margin": 0.02,
    "classifier.steps": 0,
    "classifier.seeds": 0,
    "classifier.amounts": [],
    "classifier.warp": 0.5,
    "classifier.augmented": "real_augmented",
    "seed": 0,
    "pool.workdirs": "",
    "pool.development_seeds": "0",
    "compare.workdirs": "",
    "evaluate.external_dir": "",
    "evaluate.external_classes": "",
    "predict.dir": "",
    "predict.arm": "synthetic",
    "predict.explain": "",
    "diffusion.train.keep_every": 0,
    "diffusion.noise_scale": 1.0,
    "split.look_for": "near_duplicates",
    "tensorboard": False,
}


def for_digest(fields: Mapping[str, object]) -> dict[str, object]:
    """Returns a stage's fields as the first version would have named them."""
    return {
        _FIRST_NAMES.get(name, name): value
        for name, value in fields.items()
        if name not in ADDED or value != ADDED[name]
    }


def with_new_names(fields: Mapping[str, object]) -> dict[str, object]:
    """Returns fields by today's names."""
    return {RENAMED.get(name, name): value for name, value in fields.items()}


def rename_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Replaces former names in `--config.<field>=<value>` arguments.

    Returns the arguments, and a message for each name that was replaced.
    """
    renamed, messages = [], []
    for argument in arguments:
        prefix, _, rest = argument.partition("config.")
        name, equals, value = rest.partition("=")
        if prefix in ("-", "--") and name in RENAMED:
            argument = f"{prefix}config.{RENAMED[name]}{equals}{value}"
            messages.append(message(name))
        renamed.append(argument)
    return renamed, messages


def message(former: str) -> str:
    """Returns what a user of a former name is told."""
    return f"config.{former} is now called config.{RENAMED[former]}; the former name will go"
