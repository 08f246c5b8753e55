"""Our U-Net in PyTorch, layer by layer, for a race between equals."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


def groups(channels: int) -> int:
    """As in our network: 32 groups, or fewer where there are under 4 channels a group."""
    return math.gcd(32, channels // 4)


class ResBlock(nn.Module):
    """Two normalised 3x3 convolutions around an embedding, with a skip."""

    def __init__(self, channels: int, features: int, width: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups(channels), channels)
        self.conv1 = nn.Conv2d(channels, features, 3, padding=1)
        self.embed = nn.Linear(width, 2 * features)
        self.norm2 = nn.GroupNorm(groups(features), features)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.skip = nn.Conv2d(channels, features, 1) if channels != features else nn.Identity()

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.embed(F.silu(embedding))[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.norm2(h) * (1 + scale) + shift)
        return self.skip(x) + self.conv2(h)


class SelfAttention(nn.Module):
    """Single-head self-attention over pixels, with a skip."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups(channels), channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, height, width = x.shape
        q, k, v = self.qkv(self.norm(x).flatten(2).transpose(1, 2)).chunk(3, dim=-1)
        h = self.out(F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0])
        return x + h.transpose(1, 2).reshape(b, c, height, width)


class UNet(nn.Module):
    """The network of synthmed_jax/diffusion/unet.py without patches and dropout."""

    def __init__(
        self,
        image_channels: int,
        channels: int,
        multipliers: tuple[int, ...],
        blocks: int,
        num_classes: int,
    ):
        super().__init__()
        width = 4 * channels
        self.channels, self.blocks, self.levels = channels, blocks, len(multipliers)
        self.time = nn.Sequential(nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(num_classes + 1, width)
        self.first = nn.Conv2d(image_channels, channels, 3, padding=1)
        skips, c = [channels], channels
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for level, multiplier in enumerate(multipliers):
            for _ in range(blocks):
                self.down.append(ResBlock(c, multiplier * channels, width))
                c = multiplier * channels
                skips.append(c)
            if level < len(multipliers) - 1:
                self.shrink.append(nn.Conv2d(c, c, 3, stride=2, padding=1))
                skips.append(c)
        self.middle1, self.attention = ResBlock(c, c, width), SelfAttention(c)
        self.middle2 = ResBlock(c, c, width)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for _ in range(blocks + 1):
                self.up.append(ResBlock(c + skips.pop(), multiplier * channels, width))
                c = multiplier * channels
            if level > 0:
                self.grow.append(nn.Conv2d(c, c, 3, padding=1))
        self.norm = nn.GroupNorm(groups(c), c)
        self.last = nn.Conv2d(c, image_channels, 3, padding=1)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        half = self.channels // 2
        frequencies = torch.exp(-math.log(1e4) * torch.arange(half, device=x.device) / half)
        angles = t[:, None].float() * frequencies[None]
        embedding = self.time(torch.cat([angles.cos(), angles.sin()], dim=1)) + self.label(label)
        h = self.first(x)
        skips, down, shrink = [h], iter(self.down), iter(self.shrink)
        for level in range(self.levels):
            for _ in range(self.blocks):
                h = next(down)(h, embedding)
                skips.append(h)
            if level < self.levels - 1:
                h = next(shrink)(h)
                skips.append(h)
        h = self.middle2(self.attention(self.middle1(h, embedding)), embedding)
        up, grow = iter(self.up), iter(self.grow)
        for level in reversed(range(self.levels)):
            for _ in range(self.blocks + 1):
                h = next(up)(torch.cat([h, skips.pop()], dim=1), embedding)
            if level > 0:
                h = next(grow)(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.last(F.silu(self.norm(h)))


def forward_flops(network: nn.Module, side: int) -> float:
    """Floating-point operations of a forward pass for one image, convolutions taken as direct."""
    with FlopCounterMode(display=False) as counter:
        zero = torch.zeros(1, dtype=torch.long)
        network(torch.zeros(1, network.first.in_channels, side, side), zero, zero)
    return float(counter.get_total_flops())


def count(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in network.parameters())
