"""Our U-Net in PyTorch, layer by layer, and diffusers' U-Net of the same layers."""

from __future__ import annotations

import functools
import math

import torch

from benchmarks import torchvision_ops  # noqa: F401, isort: skip
from diffusers import UNet2DModel
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import reference
from synthmed_jax.diffusion.unet_settings import UNetSettings


def groups(channels: int) -> int:
    """Returns 32 groups, or fewer if a group would have under 4 channels, as in our network."""
    return math.gcd(32, channels // 4)


class ResBlock(nn.Module):
    """Two normalised 3x3 convolutions around an embedding, with a skip."""

    def __init__(self, channels: int, features: int, width: int, embedding: str):
        super().__init__()
        self.scales = embedding == "scale_shift"
        self.norm1 = nn.GroupNorm(groups(channels), channels)
        self.conv1 = nn.Conv2d(channels, features, 3, padding=1)
        self.embed = nn.Linear(width, (2 if self.scales else 1) * features)
        self.norm2 = nn.GroupNorm(groups(features), features)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.skip = nn.Conv2d(channels, features, 1) if channels != features else nn.Identity()

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        h, projected = self.conv1(F.silu(self.norm1(x))), self.embed(F.silu(embedding))
        if self.scales:
            scale, shift = projected[:, :, None, None].chunk(2, dim=1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + projected[:, :, None, None])
        return self.skip(x) + self.conv2(F.silu(h))


class SelfAttention(nn.Module):
    """Single-head self-attention over pixels, with a skip."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups(channels), channels)
        self.to_qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixels = self.norm(x).flatten(2).transpose(1, 2)
        h = F.scaled_dot_product_attention(*self.to_qkv(pixels).chunk(3, dim=-1))
        return x + self.out(h).transpose(1, 2).view_as(x)


class UNet(nn.Module):
    """The network of synthmed_jax/diffusion/unet.py for images of one channel.

    Attention is in the middle alone, and nothing is dropped.
    """

    def __init__(self, config: UNetSettings, num_classes: int):
        super().__init__()
        channels, multipliers, blocks = config.channels, config.multipliers, config.blocks
        width = 4 * channels
        self.channels, self.blocks, self.levels = channels, blocks, len(multipliers)
        self.patch = config.patch
        res_block = functools.partial(ResBlock, width=width, embedding=config.embedding)
        self.time = nn.Sequential(nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(num_classes + 1, width)
        self.first = nn.Conv2d(config.patch**2, channels, 3, padding=1)
        skips, c = [channels], channels
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for level, multiplier in enumerate(multipliers):
            for _ in range(blocks):
                self.down.append(res_block(c, multiplier * channels))
                c = multiplier * channels
                skips.append(c)
            if level < len(multipliers) - 1:
                self.shrink.append(nn.Conv2d(c, c, 3, stride=2, padding=1))
                skips.append(c)
        self.middle1, self.middle2 = res_block(c, c), res_block(c, c)
        self.attend = SelfAttention(c) if config.middle_attention else nn.Identity()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for _ in range(blocks + 1):
                self.up.append(res_block(c + skips.pop(), multiplier * channels))
                c = multiplier * channels
            if level > 0:
                self.grow.append(nn.Conv2d(c, c, 3, padding=1))
        self.norm = nn.GroupNorm(groups(c), c)
        self.last = nn.Conv2d(c, config.patch**2, 3, padding=1)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        half = self.channels // 2
        frequencies = torch.exp(-math.log(1e4) * torch.arange(half, device=x.device) / half)
        angles = t[:, None].float() * frequencies[None]
        embedding = self.time(torch.cat([angles.cos(), angles.sin()], dim=1)) + self.label(label)
        h = self.first(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        skips, down, shrink = [h], iter(self.down), iter(self.shrink)
        for level in range(self.levels):
            for _ in range(self.blocks):
                h = next(down)(h, embedding)
                skips.append(h)
            if level < self.levels - 1:
                h = next(shrink)(h)
                skips.append(h)
        h = self.middle2(self.attend(self.middle1(h, embedding)), embedding)
        up, grow = iter(self.up), iter(self.grow)
        for level in reversed(range(self.levels)):
            for _ in range(self.blocks + 1):
                h = next(up)(torch.cat([h, skips.pop()], dim=1), embedding)
            if level > 0:
                h = next(grow)(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        out = self.last(F.silu(self.norm(h)))
        return F.pixel_shuffle(out, self.patch) if self.patch > 1 else out


class DiffusersUNet(nn.Module):
    """diffusers' UNet2DModel with the layers of the reference network, called as ours is."""

    def __init__(self, config: UNetSettings):
        super().__init__()
        channels, levels = config.channels, len(config.multipliers)
        self.network = UNet2DModel(
            sample_size=reference.SIDE,
            in_channels=1,
            out_channels=1,
            block_out_channels=tuple(m * channels for m in config.multipliers),
            layers_per_block=config.blocks,
            down_block_types=("DownBlock2D",) * levels,
            up_block_types=("UpBlock2D",) * levels,
            norm_num_groups=groups(channels),
            add_attention=False,
            num_class_embeds=reference.NUM_CLASSES + 1,
        )

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.network(x, t, class_labels=label, return_dict=False)[0]


def make(config: UNetSettings) -> UNet:
    """A network with the same weights each time."""
    torch.manual_seed(0)
    return UNet(config, reference.NUM_CLASSES)


def forward_flops(network: nn.Module) -> float:
    """Floating-point operations of a forward pass on one image, with direct convolutions."""
    with FlopCounterMode(display=False) as counter:
        zero = torch.zeros(1, dtype=torch.long)
        network(torch.zeros(1, 1, reference.SIDE, reference.SIDE), zero, zero)
    return float(counter.get_total_flops())
