"""A process that is one of several hosts: trains a tiny generator and draws a set, see hosts_test.

python tests/several_hosts.py <folder> <devices of this process> <port> <processes> <its number>
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from synthmed_jax import hosts, parallel
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.diffusion import generate, train
from synthmed_jax.diffusion.model import Model
from synthmed_jax.diffusion.sampling import SampleSettings
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.settings import TrainSettings
from synthmed_jax.diffusion.step import make_step

SIDE = 8
CLASSES = ("left", "right")
COUNTS, BLOCK = (5, 4), 2


def images() -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, (12, SIDE, SIDE, 1), dtype=np.uint8)
    labels = np.arange(12, dtype=np.int32) % 2
    return ImageSet(pixels, labels, tuple(f"{i}.png" for i in range(12)), CLASSES)


def settings() -> TrainSettings:
    return TrainSettings(
        steps=6,
        batch_size=5,  # which two devices can't share evenly
        learning_rate=1e-2,
        accumulate=1,
        warmup_steps=2,
        ema_half_lives=(3,),
        clip_norm=1.0,
        weighting="simple",
        timesteps="stratified",
        label_dropout=0.0,
        log_every=1,
        val_every=3,
        patience=0,
        save_minutes=1e6,
        seed=0,
    )


class Network(nn.Module):
    """Called as a U-Net is, and compiled in no time."""

    @nn.compact
    def __call__(self, x, t, label, dropout_keys=None, warp=None):
        told = jnp.stack([t / 20, label], axis=-1)
        flat = jnp.concatenate([x.reshape(len(x), -1), told], axis=-1)
        return nn.Dense(SIDE * SIDE)(nn.tanh(nn.Dense(16)(flat))).reshape(x.shape)


def model() -> Model:
    return Model(Network(), make_schedule("cosine", 20), "v", (SIDE, SIDE, 1))


def draw_class(label: int, index: np.ndarray) -> np.ndarray:
    """Images that say which they are."""
    drawn = np.zeros((len(index), SIDE, SIDE, 1), np.uint8)
    drawn[:, 0, 0, 0], drawn[:, 0, 1, 0] = label, index
    return drawn


def work(folder: pathlib.Path) -> None:
    """What one host does, with the others: a training, then a set of images, twice."""
    step = make_step(settings(), model())
    of_training = settings(), step, model(), Augmentation("dihedral", 1)
    if hosts.follows():
        while (task := hosts.told()) is not None:
            if task == "train":
                train.follow(*of_training, images())
            else:
                shared = folder / "synthetic" if task == "generate" else None
                generate.help_generate(draw_class, BLOCK, CLASSES, shared)
        return
    with hosts.helped("train"):
        train.train(*of_training, images(), None, folder / "training", by_all_hosts=True)
    for task, name in (("generate", "synthetic"), ("generate and report", "reported")):
        with hosts.helped(task):
            generate.generate(
                draw_class,
                SampleSettings("ddim", 5, "time", 0.0, "clip", 1.0, 0.0, 1.0, 0),
                BLOCK,
                CLASSES,
                COUNTS,
                ("a", "b"),
                folder / name,
                shared=name == "synthetic",
            )


if __name__ == "__main__":
    devices, port, count, index = map(int, sys.argv[2:])
    with hosts.joined(hosts.Cluster(f"127.0.0.1:{port}", count, index), lambda: False):
        parallel.set_up_devices(devices)
        parallel.connect_hosts()
        work(pathlib.Path(sys.argv[1]))
