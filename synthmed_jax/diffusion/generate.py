"""Generation of the labelled synthetic set: PNG class folders and manifest.csv.

Images come in fixed, aligned blocks of indices; the manifest is written after each block, so a
killed run redoes at most one block and yields the same files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from synthmed_jax import checks, parallel, runlog
from synthmed_jax.data import synthetic
from synthmed_jax.diffusion.process import predict_x0
from synthmed_jax.diffusion.samplers import SAMPLERS, initial_noise, respace, run_steps
from synthmed_jax.diffusion.schedule import Schedule
from synthmed_jax.diffusion.unet import UNet, apply

CHUNK_STEPS = 10  # sampling steps a compiled call: few enough for the progress bar to move


@dataclasses.dataclass(frozen=True)
class GenerateSettings:
    """How images are drawn from a trained model.

    Attributes:
      sampler: one of SAMPLERS.
      steps: sampling steps, 1..T.
      block: images a compiled call and a block of indices.
      seed: an image is determined by (seed, class, index), the checkpoint and the sampler.
    """

    sampler: str
    steps: int
    block: int
    seed: int

    def __post_init__(self) -> None:
        checks.one_of("config.generate.sampler", self.sampler, SAMPLERS)
        for name, least in [("steps", 1), ("block", 1), ("seed", 0)]:
            checks.at_least(f"config.generate.{name}", getattr(self, name), least)


def encode_png(image: np.ndarray) -> bytes:
    """u8[H,W,1 or 3] -> PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def to_grey_levels(x: np.ndarray) -> np.ndarray:
    """f32 in [-1, 1] -> u8, rounded (never truncated) and clipped."""
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)


class Sampler:
    """A compiled sampler of one trained network."""

    def __init__(
        self,
        settings: GenerateSettings,
        unet: UNet,
        schedule: Schedule,
        prediction: str,
        params: Any,
        image_shape: tuple[int, int, int],
    ):
        """params: the network's (moving average of) weights; image_shape: (H, W, C)."""
        respaced, timesteps = respace(schedule, settings.steps)
        step = SAMPLERS[settings.sampler]
        root = jax.random.key(settings.seed)

        def keys_of(label: jax.Array, index: jax.Array) -> jax.Array:
            return jax.vmap(lambda k, i: jax.random.fold_in(jax.random.fold_in(root, k), i))(
                label, index
            )

        def start(_: None, label: jax.Array, index: jax.Array) -> jax.Array:
            return initial_noise(keys_of(label, index), image_shape)

        def advance(
            params: Any, x: jax.Array, label: jax.Array, index: jax.Array, first: jax.Array
        ) -> jax.Array:
            def denoise(x_t: jax.Array, t: jax.Array) -> jax.Array:
                output = apply(unet, params, x_t, t, label)
                return jnp.clip(predict_x0(schedule, output, x_t, t, prediction), -1, 1)

            return run_steps(
                step, denoise, respaced, timesteps, keys_of(label, index), x, first[0], CHUNK_STEPS
            )

        self._settings = settings
        self._params = params
        self._start = parallel.map_examples(start, settings.block)
        self._advance = parallel.map_examples(advance, settings.block)

    def __call__(self, label: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Draws the images of (label i32[N], index i32[N]): u8[N,H,W,C]."""
        x = self._start(None, label, index)
        for first in range(0, self._settings.steps, CHUNK_STEPS):
            x = self._advance(self._params, x, label, index, np.full(len(label), first, np.int32))
        return to_grey_levels(x)


def generate(
    sampler: Sampler,
    settings: GenerateSettings,
    class_names: tuple[str, ...],
    per_class: int,
    checkpoint_sha256: str,
    directory: pathlib.Path,
) -> None:
    """Fills `directory` up to at least `per_class` images a class; what is there is kept.

    Args:
      sampler: draws images.
      class_names: folder of each label.
      per_class: images a class; rounded up to whole blocks, the surplus is never read.
      checkpoint_sha256: names the generator in the manifest.
      directory: receives <class>/<index>.png and manifest.csv.
    """
    rows = synthetic.read_manifest(directory) if (directory / "manifest.csv").exists() else []
    done = {(row["class"], row["index"]) for row in rows}
    blocks = [
        (label, start)
        for label in range(len(class_names))
        for start in range(0, per_class, settings.block)
        if any((class_names[label], start + i) not in done for i in range(settings.block))
    ]
    bar = runlog.progress(description="generate", total=len(blocks) * settings.block, unit="image")
    with bar:
        for label, start in blocks:
            index = np.arange(start, start + settings.block, dtype=np.int32)
            images = sampler(np.full(settings.block, label, np.int32), index)
            folder = directory / class_names[label]
            folder.mkdir(parents=True, exist_ok=True)
            for i, image in zip(index, images, strict=True):
                png = encode_png(image)
                path = folder / f"{i:05d}.png"
                path.write_bytes(png)
                rows.append(
                    {
                        "path": path.relative_to(directory).as_posix(),
                        "class": class_names[label],
                        "index": int(i),
                        "seed": settings.seed,
                        "sampler": settings.sampler,
                        "steps": settings.steps,
                        "guidance": 1.0,
                        "checkpoint": checkpoint_sha256,
                        "sha256": hashlib.sha256(png).hexdigest(),
                    }
                )
            synthetic.write_manifest(directory, rows)
            bar.update(settings.block)
