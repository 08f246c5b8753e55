"""A run of a few seconds: drawn images, settings, and a network in the place of ResNet-18."""

from __future__ import annotations

import importlib
import pathlib

import numpy as np
from flax import linen as nn
from ml_collections import ConfigDict
from PIL import Image

from synthmed_jax.classifiers import networks
from synthmed_jax.classifiers.layers.make import Layers
from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest

SIDE = 16  # pixels
CLASSES = ("bright", "dark")
_IMAGES = 20  # per class
NETWORK = "tiny"
UNET = {
    "diffusion.unet.channels": 16,
    "diffusion.unet.multipliers": (1,),
    "diffusion.unet.patch": 2,
    "diffusion.unet.middle_attention": False,
}
_SETTINGS = {
    "cpu_devices": 1,
    "data.name": "folder",
    "data.image_size": SIDE,
    "split.fraction": 0.5,
    "diffusion.num_steps": 20,
    **UNET,
    "diffusion.train.steps": 8,
    "diffusion.train.batch_size": 4,
    "diffusion.train.warmup_steps": 2,
    "diffusion.train.log_every": 1,
    "diffusion.train.val_every": 3,
    "diffusion.train.save_minutes": 0.0,
    "generate.per_class": 6,
    "generate.steps": 3,
    "generate.block": 4,
    "classifier.backbones": (NETWORK,),
    "classifier.image_size": SIDE,
    "classifier.arms": ("synthetic", "real_augmented"),
    "classifier.batch_size": 4,
    "classifier.steps": 6,
    "classifier.max_epochs": 3,
    "explain.num_samples": 20,
    "explain.regions": 6,
    "explain.images": 1,
    "explain.repeats": 1,
    "explain.compare_with_lime": False,
}


class Tiny(nn.Module):
    """All that a real network has, in a few hundred weights."""

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(4, (4, 4), strides=(4, 4), dtype=self.layers.dtype, name="conv")(x)
        x = nn.relu(self.layers.norm("bn")(x, train))
        x = self.layers.dropout(0.1)(x, train)
        return nn.Dense(self.num_classes, name="fc")(x.mean(axis=(1, 2)).astype("float32"))


def state_dict() -> dict[str, np.ndarray]:
    """Draws weights of `Tiny` as a file of a user's own has them."""
    rng = np.random.default_rng(1)
    shapes = {
        "conv.weight": (4, 3, 4, 4),
        "conv.bias": (4,),
        **{f"bn.{name}": (4,) for name in ("weight", "bias", "running_mean")},
        "fc.weight": (len(CLASSES), 4),
        "fc.bias": (len(CLASSES),),
    }
    drawn = {name: 0.1 * rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    return drawn | {"bn.running_var": np.ones(4, np.float32)}


def add_network() -> None:
    """Makes `Tiny` known to a process as a network of the name NETWORK."""
    networks.BACKBONES[NETWORK] = Backbone(
        Tiny, head="fc", published="tiny-00000000.pth", smallest=Smallest(4, 4)
    )


def draw(folder: pathlib.Path) -> None:
    """Draws the images of two classes, which their brightness tells apart."""
    rng = np.random.default_rng(0)
    for name, level in zip(CLASSES, (150, 60), strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(_IMAGES):
            pixels = rng.integers(level - 50, level + 50, (SIDE, SIDE), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i:02}.png")


def make_config(data: pathlib.Path, cache: pathlib.Path, **changes: object) -> ConfigDict:
    """Returns the settings of a run.

    Args:
      data: what `draw` drew.
      cache: folder of prepared images.
      changes: fields of other values, a__b for a.b.
    """
    config = importlib.import_module("configs.folder_ddpm").get_config("smoke")
    folders = {"data.dir": str(data), "data.cache_dir": str(cache)}
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    config.update_from_flattened_dict(_SETTINGS | folders | changed)
    return config
