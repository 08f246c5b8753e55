"""The chips whose cost can be told without owning one, from their makers' data sheets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from synthmed_jax import allocator, checks
from synthmed_jax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Chip:
    """One device.

    Attributes:
      name: in full.
      platform: what JAX calls it, "cuda" or "tpu".
      peak: dtype -> floating-point operations per second of convolutions and matrix products, dense
        (without sparsity). Of float32 it is what JAX's default precision does: TensorFloat-32 on
        these GPUs, one pass in bfloat16 on a TPU (docs.jax.dev, "Matmul precision").
      bandwidth: of its memory, bytes/s.
      memory: bytes.
      usable: share of the memory that JAX takes where the user sets nothing.
      link: bytes/s that it sends to its neighbours, in one direction.
      linked: how many are linked in that way, in one machine or slice.
      network: bytes/s that a machine of so many sends to others, in one direction.
      per_host: how many each host of a job has that has several.
      launch: least seconds of a kernel, assumed.
      source: of the figures.
    """

    name: str
    platform: str
    peak: Mapping[str, float]
    bandwidth: float
    memory: float
    usable: float
    link: float
    linked: int
    network: float
    per_host: int
    launch: float
    source: str


CHIPS = {
    "a100": Chip(
        name="NVIDIA A100 SXM 80 GB",
        platform="cuda",
        peak={"float32": 156e12, "bfloat16": 312e12},
        bandwidth=2.039e12,
        memory=80 * 2**30,
        usable=0.75,
        link=300e9,  # NVLink 3: 600 GB/s in both directions together
        linked=8,
        network=8 * 25e9,  # a DGX A100's eight ports of 200 Gbit/s
        per_host=8,
        launch=5e-6,
        source="NVIDIA A100 80GB data sheet (nvidia-a100-datasheet-us-nvidia-1758950)",
    ),
    "h100": Chip(
        name="NVIDIA H100 SXM 80 GB",
        platform="cuda",
        peak={"float32": 494.7e12, "bfloat16": 989.4e12},
        bandwidth=3.35e12,
        memory=80 * 2**30,
        usable=0.75,
        link=450e9,  # NVLink 4: 900 GB/s in both directions together
        linked=8,
        network=8 * 50e9,  # a DGX H100's eight ports of 400 Gbit/s
        per_host=8,
        launch=5e-6,
        source="NVIDIA H100 data sheet; its figures with sparsity, halved",
    ),
    "v5e": Chip(
        name="Google TPU v5e",
        platform="tpu",
        peak={"float32": 197e12, "bfloat16": 197e12},
        bandwidth=819e9,
        memory=16e9,
        usable=1.0,
        link=200e9,  # 400 GB/s in both directions together
        linked=256,
        network=2 * 12.5e9,  # two ports of 100 Gbit/s per host
        per_host=4,
        launch=2e-6,
        source="docs.cloud.google.com/tpu/docs/v5e",
    ),
}
# Shares of the peaks that are assumed: of a data sheet's operations per second, bytes per second of
# memory, and bytes per second between devices.
COMPUTE_SHARE, BANDWIDTH_SHARE, LINK_SHARE = 0.4, 0.5, 0.7
# Devices that one host has at most.
_LARGEST_HOST = 8
# Memory for what a program computes on its way, over what the model of cost/work.py finds: XLA's
# compiler for a CPU takes 1.7 to 2.1 times that (docs/scale.md).
TEMPORARIES = 2.0


@dataclasses.dataclass(frozen=True)
class Target:
    """So many of a chip."""

    chip: Chip
    devices: int

    @property
    def usable(self) -> float:
        """Bytes of a device's memory that JAX takes."""
        share = self.chip.usable
        if self.chip.platform == "cuda":
            share = allocator.share_of_gpu(share)
        return share * self.chip.memory

    @property
    def first_host(self) -> Target:
        """What the first host has of it, which does alone what is not spread over hosts."""
        few = self.devices <= _LARGEST_HOST
        return self if few else Target(self.chip, self.chip.per_host)

    @property
    def link(self) -> float:
        """Bytes/s at which an array that all devices sum goes round."""
        if self.devices <= self.chip.linked:
            return self.chip.link
        return min(self.chip.link, self.chip.network)


def parse(text: str) -> Target:
    """Reads "a100" or "v5e:16".

    Raises:
      UserError: no such chip, or no number.
    """
    name, colon, count = text.partition(":")
    checks.one_of("--target", name, CHIPS)
    if colon and (not count.isdigit() or not int(count)):
        raise UserError(f"--target={text}: after the colon comes how many, as in --target={name}:8")
    return Target(CHIPS[name], int(count) if colon else 1)
