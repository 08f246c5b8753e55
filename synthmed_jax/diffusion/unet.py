"""A class-conditional DDPM U-Net (Ho et al. 2020, appendix B) in Linen."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from synthmed_jax.conv import conv_general_dilated
from synthmed_jax.diffusion.unet_settings import UNetSettings
from synthmed_jax.parallel import Tree

# Every convolution of the network; on a CPU its gradients are computed by synthmed_jax.conv.
Conv = functools.partial(nn.Conv, conv_general_dilated=conv_general_dilated)
Conv3x3 = functools.partial(Conv, kernel_size=(3, 3), padding=((1, 1), (1, 1)))
ZeroConv3x3 = functools.partial(Conv3x3, kernel_init=nn.initializers.zeros)

# Weights of the network: nested dicts of f32 arrays, named as Flax names the layers.
Params = Tree


def timestep_embedding(t: jax.Array, width: int) -> jax.Array:
    """Sinusoidal embedding (Vaswani et al. 2017) of steps: i32[B] -> f32[B, width], width even."""
    frequencies = jnp.exp(-jnp.log(1e4) * jnp.arange(width // 2) / (width // 2))
    angles = t[:, None].astype(jnp.float32) * frequencies[None]
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=1)


def fold_patches(x: jax.Array, patch: int) -> jax.Array:
    """Folds patch x patch pixels into channels: [B,H,W,C] -> [B,H/p,W/p,C*p*p]."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // patch, patch, w // patch, patch, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h // patch, w // patch, patch * patch * c)


def unfold_patches(x: jax.Array, patch: int) -> jax.Array:
    """Undoes `fold_patches`: [B,h,w,C*p*p] -> [B,h*p,w*p,C]."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, patch, patch, c // patch**2)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h * patch, w * patch, c // patch**2)


def _norm(x: jax.Array) -> jax.Array:
    # 32 groups (Wu & He 2018), or fewer in a narrow network: at least 4 channels per group.
    return nn.GroupNorm(num_groups=math.gcd(32, x.shape[-1] // 4))(x)


def drop(keys: jax.Array, x: jax.Array, rate: float) -> jax.Array:
    """Dropout with one key per example, so that masks do not depend on the number of devices.

    Args:
      keys: key[B].
      x: f32[B,...].
      rate: share of values set to 0, in [0, 1); the others are multiplied by 1 / (1 - rate).
    """
    mask = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - rate, x.shape[1:]))(keys)
    return jnp.where(mask, x / (1 - rate), 0)


class ResBlock(nn.Module):
    """Two normalised 3x3 convolutions and a skip connection: [B,H,W,C] -> [B,H,W,features].

    The embedding of step and class comes in between the convolutions.

    Attributes:
      features: channels of the output.
      dropout: rate.
      embedding: how the embedding comes in, one of EMBEDDINGS.
      dtype: what the layers compute in.
    """

    features: int
    dropout: float
    embedding: str
    dtype: DTypeLike

    @nn.compact
    def __call__(
        self, x: jax.Array, embedding: jax.Array, dropout_keys: jax.Array | None
    ) -> jax.Array:
        h = Conv3x3(self.features, dtype=self.dtype)(nn.swish(_norm(x)))
        per_feature = 2 if self.embedding == "scale_shift" else 1
        to_features = nn.Dense(per_feature * self.features, dtype=self.dtype)
        projected = to_features(nn.swish(embedding))[:, None, None]
        if self.embedding == "scale_shift":
            scale, shift = jnp.split(projected, 2, axis=-1)
            h = nn.swish(_norm(h) * (1 + scale) + shift)
        else:
            h = nn.swish(_norm(h + projected))
        if dropout_keys is not None and self.dropout > 0:
            # Folding the block's name into the key gives different blocks different masks.
            salt = zlib.crc32(str(self.name).encode())
            h = drop(jax.vmap(jax.random.fold_in, (0, None))(dropout_keys, salt), h, self.dropout)
        h = ZeroConv3x3(self.features, dtype=self.dtype)(h)
        if x.shape[-1] != self.features:
            x = Conv(self.features, (1, 1), dtype=self.dtype)(x)
        return x + h


class SelfAttention(nn.Module):
    """Single-head self-attention over the pixels of f32[B,H,W,C], and a skip connection."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        b, height, width, c = x.shape
        pixels = _norm(x).reshape(b, height * width, c)
        q, k, v = jnp.split(nn.Dense(3 * c, dtype=x.dtype)(pixels), 3, axis=-1)
        weights = nn.softmax(jnp.einsum("bqc,bkc->bqk", q, k) / math.sqrt(c))
        h = jnp.einsum("bqk,bkc->bqc", weights, v)
        h = nn.Dense(c, kernel_init=nn.initializers.zeros, dtype=x.dtype)(h)
        return x + h.reshape(x.shape)


class UNet(nn.Module):
    """Predicts eps, x_0 or v from a noisy image.

    Attributes:
      config: the network's shape.
      num_classes: K; labels run 0..K-1, and K stands for a class that is not told.
      warp_numbers: how many numbers describe the warp of a training image; 0: none is warped.
    """

    config: UNetSettings
    num_classes: int
    warp_numbers: int = 0

    @property
    def no_class(self) -> int:
        """The label of an image whose class the network is not told."""
        return self.num_classes

    @nn.compact
    def __call__(
        self,
        x_t: jax.Array,
        t: jax.Array,
        label: jax.Array,
        dropout_keys: jax.Array | None = None,
        warp: jax.Array | None = None,
    ) -> jax.Array:
        """Predicts eps, x_0 or v.

        Args:
          x_t: f32[B,H,W,C], noisy images; H and W multiples of `smallest_side`.
          t: i32[B], steps.
          label: i32[B], classes.
          dropout_keys: key[B] while training; None switches dropout off.
          warp: f32[B,warp_numbers], how each image was warped (see `data.warp`); None: none was.

        Returns:
          f32[B,H,W,C].
        """
        c = self.config
        width = 4 * c.channels
        dtype = jnp.dtype(c.dtype)
        embedding = nn.Dense(width)(timestep_embedding(t, c.channels))
        embedding = nn.Dense(width)(nn.swish(embedding))
        embedding = embedding + nn.Embed(self.num_classes + 1, width)(label)
        if self.warp_numbers:
            numbers = jnp.zeros((len(label), self.warp_numbers)) if warp is None else warp
            embedding = embedding + nn.Dense(width, use_bias=False)(numbers)
        embedding = embedding.astype(dtype)
        res_block: Callable[[int], ResBlock] = functools.partial(
            ResBlock, dropout=c.dropout, embedding=c.embedding, dtype=dtype
        )

        def block(h: jax.Array, features: int) -> jax.Array:
            h = res_block(features)(h, embedding, dropout_keys)
            return SelfAttention()(h) if h.shape[1] in c.attention else h

        h = Conv3x3(c.channels, dtype=dtype)(fold_patches(x_t, c.patch))
        skips = [h]
        for level, multiplier in enumerate(c.multipliers):
            for _ in range(c.blocks):
                h = block(h, multiplier * c.channels)
                skips.append(h)
            if level < len(c.multipliers) - 1:
                h = Conv3x3(h.shape[-1], strides=(2, 2), dtype=dtype)(h)
                skips.append(h)

        h = res_block(h.shape[-1])(h, embedding, dropout_keys)
        if c.middle_attention:
            h = SelfAttention()(h)
        h = res_block(h.shape[-1])(h, embedding, dropout_keys)

        for level, multiplier in reversed(list(enumerate(c.multipliers))):
            for _ in range(c.blocks + 1):
                h = block(jnp.concatenate([h, skips.pop()], axis=-1), multiplier * c.channels)
            if level > 0:
                # A transposed convolution would leave a checkerboard pattern; nearest-neighbour
                # upsampling before a convolution does not.
                h = Conv3x3(h.shape[-1], dtype=dtype)(h.repeat(2, axis=1).repeat(2, axis=2))

        out = ZeroConv3x3(x_t.shape[-1] * c.patch**2, dtype=dtype)(nn.swish(_norm(h)))
        return unfold_patches(out.astype(x_t.dtype), c.patch)


def apply(
    unet: UNet,
    params: Params,
    x_t: jax.Array,
    t: jax.Array,
    label: jax.Array,
    dropout_keys: jax.Array | None = None,
    warp: jax.Array | None = None,
) -> jax.Array:
    """The network's output with given weights; arguments and result as in `UNet.__call__`."""
    return cast(jax.Array, unet.apply({"params": params}, x_t, t, label, dropout_keys, warp))
