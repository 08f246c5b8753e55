"""Expected time of a program on a chip: a roofline (Williams et al., 2009), kernel by kernel."""

from __future__ import annotations

import dataclasses

from synthmed_jax.cost.chips import BANDWIDTH_SHARE, COMPUTE_SHARE, LINK_SHARE, TEMPORARIES, Target
from synthmed_jax.cost.work import Work


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds of one call, by what its kernels wait for.

    Attributes:
      compute: in kernels that are held up by arithmetic.
      bandwidth: in kernels that are held up by the device's memory.
      launch: in kernels so small that starting them takes longest.
      between: for sums and copies over devices, none of it hidden behind other work.
    """

    compute: float
    bandwidth: float
    launch: float
    between: float

    @property
    def total(self) -> float:
        """Of the call."""
        return self.compute + self.bandwidth + self.launch + self.between

    @property
    def bound(self) -> str:
        """What most of the time is spent on."""
        return max(
            ("compute", "bandwidth", "launch", "between"), key=lambda name: getattr(self, name)
        )


def times(work: Work, target: Target, devices: int) -> Times:
    """What one call takes.

    Args:
      work: of one device.
      target: where.
      devices: over which the program is spread; 1 where each has one of its own.
    """
    chip = target.chip
    seconds = {"compute": 0.0, "bandwidth": 0.0, "launch": 0.0}
    for kernel, count in work.kernels.items():
        peak = chip.peak.get(kernel.dtype, chip.peak["float32"])
        of_kernel = {
            "compute": kernel.flops / (COMPUTE_SHARE * peak),
            "bandwidth": kernel.bytes / (BANDWIDTH_SHARE * chip.bandwidth),
            "launch": chip.launch,
        }
        slowest = max(of_kernel, key=lambda name: of_kernel[name])
        seconds[slowest] += count * of_kernel[slowest]
    return Times(**seconds, between=_between(work, target, devices))


def memory(work: Work) -> float:
    """Bytes that a device needs for a call."""
    return work.arguments + TEMPORARIES * (work.memory - work.arguments)


def _between(work: Work, target: Target, devices: int) -> float:
    """Seconds for what goes between devices, in a ring (Patarasuk & Yuan, 2009).

    Of an array that is summed, each device sends 2 (n - 1) / n; of one that is gathered, half of
    that. A collective waits for as long as a kernel takes to start, at every device.
    """
    if devices == 1:
        return 0.0
    sent = (2 * work.summed + work.gathered) * (devices - 1) / devices
    return sent / (LINK_SHARE * target.link) + work.collectives * target.chip.launch * devices
