"""The config block `diffusion.unet` as a frozen dataclass, checked: the network's shape."""

from __future__ import annotations

import dataclasses

from synthmed_jax import checks
from synthmed_jax.errors import UserError

# How a block of the network takes step and class: "add" adds their embedding to the features (Ho et
# al. 2020); "scale_shift" scales and shifts the features with it after the second norm (Dhariwal &
# Nichol 2021).
EMBEDDINGS = ("scale_shift", "add")
DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class UNetSettings:
    """The network's shape: config.diffusion.unet.

    Attributes:
      channels: width of the first level, a multiple of 4.
      multipliers: width of each level over `channels`; each level after the first halves the side.
      blocks: residual blocks per level.
      attention: sides (in feature pixels) of the levels whose blocks get self-attention; see
        `check_attention`.
      patch: pixels of a side folded into channels before the first convolution (1: none). 2 makes
        a step about four times cheaper and costs little quality at 32x32.
      dropout: rate inside residual blocks, 0 <= dropout < 1.
      dtype: what the layers compute in, one of DTYPES (bfloat16 is faster on GPUs and TPUs);
        weights are float32 in any case.
      middle_attention: whether the middle of the network has self-attention.
      embedding: how a block takes step and class, one of EMBEDDINGS.
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    patch: int
    dropout: float
    dtype: str = "float32"
    middle_attention: bool = True
    embedding: str = "scale_shift"

    def __post_init__(self) -> None:
        checks.one_of("config.diffusion.unet.dtype", self.dtype, DTYPES)
        checks.one_of("config.diffusion.unet.embedding", self.embedding, EMBEDDINGS)
        for name in ("channels", "blocks", "patch"):
            checks.at_least(f"config.diffusion.unet.{name}", getattr(self, name), 1)
        if self.channels % 4 or not self.multipliers or min(self.multipliers) < 1:
            raise UserError(
                f"config.diffusion.unet: channels={self.channels} must be a multiple of 4 and "
                f"multipliers={self.multipliers} whole numbers from 1, at least one"
            )
        for side in self.attention:
            checks.at_least("config.diffusion.unet.attention", side, 1)
        checks.between("config.diffusion.unet.dropout", self.dropout, 0, 1)


def smallest_side(unet: UNetSettings) -> int:
    """The factor (pixels) that an image's side must be a multiple of."""
    return unet.patch * 2 ** (len(unet.multipliers) - 1)


def level_sides(unet: UNetSettings, image_size: int) -> tuple[int, ...]:
    """Side of each level, feature pixels, for images of a side that is a multiple of the factor."""
    return tuple(image_size // unet.patch // 2**level for level in range(len(unet.multipliers)))


def attention_hint(unet: UNetSettings, image_size: int) -> str:
    """Returns " (with --config...)" where `attention` needs other sides at this size, else ""."""
    if not missing_sides(unet, image_size):
        return ""
    return f" (with {_attention_flag(unet, image_size)})"


def _attention_flag(unet: UNetSettings, image_size: int) -> str:
    """The flag that puts self-attention at the levels nearest to the sides that are given."""
    sides = level_sides(unet, image_size)
    # By the ratio of the sides: every level halves the one before.
    nearest = {
        min(sides, key=lambda side: (max(side, wanted) / min(side, wanted), side))
        for wanted in unet.attention
    }
    listed = ",".join(str(side) for side in sorted(nearest))
    return f"--config.diffusion.unet.attention={listed}"


def missing_sides(unet: UNetSettings, image_size: int) -> list[int]:
    """The sides in `attention` that no level has for images of this side (pixels)."""
    sides = level_sides(unet, image_size)
    return [side for side in unet.attention if side not in sides]


def check_attention(unet: UNetSettings, image_size: int) -> None:
    """Refuses self-attention at a side that no level has: it would be left out in silence.

    Args:
      image_size: side of the images, pixels.

    Raises:
      UserError: naming the sides that there are, and the nearest.
    """
    missing = missing_sides(unet, image_size)
    if missing:
        sides = ", ".join(str(side) for side in level_sides(unet, image_size))
        raise UserError(
            f"config.diffusion.unet.attention={unet.attention}: no level has the side {missing[0]} "
            f"for images of {image_size} pixels; the sides are {sides}: set "
            f"{_attention_flag(unet, image_size)}, or --config.diffusion.unet.attention= for none"
        )
