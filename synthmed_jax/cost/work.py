"""What a program does on one device, as XLA would cut it into kernels.

Nothing is compiled. Convolutions and matrix products are counted exactly (multiplications.py). What
XLA fuses is modelled: an element-wise operation is computed inside the kernels that read it, from
the arrays in memory that it comes from, and its result is in memory only where a convolution, a
matrix product, a loop, a collective or the caller needs it. The bytes, kernels and memory that
follow are estimates; docs/scale.md compares them with XLA's own.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

import jax

from synthmed_jax.cost import multiplications, operations
from synthmed_jax.cost.operations import Operation, Operations

# Sums over devices; and what puts arrays of all devices together.
SUMS, GATHERS = ("psum", "psum_invariant"), ("all_gather",)
# Kernels of their own, beside reductions, whose operands may be computed inside.
_APART = (
    "sort", "gather", "scatter", "scatter-add", "scatter_add", "dynamic_update_slice", "top_k",
    "fft", "select_and_scatter_add", "reduce_window_sum", "reduce_window_max",
)  # fmt: skip
_REDUCTIONS = (
    "reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "argmax", "argmin",
    "cumsum", "cummax",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One launch.

    Attributes:
      flops: of a convolution or matrix product, else 0.
      dtype: of its operands, "" where there are no flops.
      bytes: read and written.
    """

    flops: int
    dtype: str
    bytes: int


@dataclasses.dataclass
class Work:
    """What one call of a program does on one device.

    Attributes:
      kernels: how often each.
      summed: bytes of arrays that are summed over all devices.
      gathered: bytes of the arrays that are put together from all devices.
      collectives: waits for the other devices, where sums that follow each other are one.
      arguments: bytes of what the program is given.
      memory: most bytes at one time, arguments and results with them.
    """

    kernels: collections.Counter[Kernel]
    summed: int = 0
    gathered: int = 0
    collectives: int = 0
    arguments: int = 0
    memory: int = 0

    @property
    def flops(self) -> int:
        """Of convolutions and matrix products; a multiply-add is two."""
        return sum(kernel.flops * times for kernel, times in self.kernels.items())

    @property
    def bytes(self) -> int:
        """Read from memory and written to it."""
        return sum(kernel.bytes * times for kernel, times in self.kernels.items())

    @property
    def launches(self) -> int:
        """How many kernels."""
        return self.kernels.total()

    def add(self, other: Work, times: int) -> None:
        """Adds the kernels and collectives of another piece of work, so many times."""
        for kernel, count in other.kernels.items():
            self.kernels[kernel] += count * times
        self.summed += other.summed * times
        self.gathered += other.gathered * times
        self.collectives += other.collectives * times


def of(traced: jax.stages.Traced) -> Work:
    """The work of a program that is spread over devices (`rehearsal.Program.trace`)."""
    donated = [info.donated for info in jax.tree.leaves(traced.args_info)]
    program = operations.on_one_device(traced)
    constants = len(program.inputs) - len(donated)
    return _count(program, [False] * constants + donated)


class _Memory:
    """Which values are in memory, and which arrays in memory the others are computed from."""

    def __init__(self, program: Operations) -> None:
        self._held = set(program.inputs) | set(program.outputs)
        for op in program.listed:
            if not _is_fused(op):
                self._held |= set(op.outputs)
            if not _is_fused(op) and op.name not in _REDUCTIONS:
                self._held |= set(op.inputs)
        self._sources: dict[int, frozenset[int]] = {}
        for op in program.listed:  # in order, so that what it comes from is known
            found = self.read_by(op)
            self._sources |= dict.fromkeys(op.outputs, found)

    def holds(self, value: int) -> bool:
        return value in self._held

    def read_by(self, op: Operation) -> frozenset[int]:
        """Arrays in memory that a kernel reads which computes this operation's results."""
        found: set[int] = set()
        for value in op.inputs:
            if self.holds(value):
                found.add(value)
            else:
                found |= self._sources.get(value, frozenset())
        return frozenset(found)


def _is_fused(op: Operation) -> bool:
    """Whether it is computed inside the kernels that read its results."""
    return (
        op.name not in multiplications.MATRIX
        and op.name not in operations.LOOPS
        and op.name not in (*SUMS, *GATHERS, *_APART, *_REDUCTIONS)
    )


def _count(program: Operations, donated: Sequence[bool]) -> Work:
    memory, work = _Memory(program), Work(collections.Counter())
    sizes = program.sizes
    steps: list[_Step] = []
    siblings = _siblings(program, memory)
    reduced: set[frozenset[int]] = set()
    after_sum = False
    for op in program.listed:
        reads, writes = memory.read_by(op), frozenset(v for v in op.outputs if memory.holds(v))
        if not writes:
            continue
        step = _Step(reads, writes)
        if op.name in operations.LOOPS:
            step = dataclasses.replace(step, beside=_add_loop(work, op))
        elif op.name in SUMS:
            work.summed += sum(sizes[v] for v in op.outputs)
            work.collectives += not after_sum
        elif op.name in GATHERS:
            work.gathered += sum(sizes[v] for v in op.outputs)
            work.collectives += 1
        elif op.name in multiplications.MATRIX:
            moved = sum(sizes[v] for v in reads | writes)
            dtype = str(op.operands[0].dtype)
            work.kernels[Kernel(multiplications.flops(op), dtype, moved)] += 1
        elif op.name in _REDUCTIONS and reads in reduced:
            pass  # computed in the pass over the same arrays that is counted already
        elif _is_fused(op) and op.outputs[0] in siblings:
            pass  # counted below
        else:
            work.kernels[Kernel(0, "", sum(sizes[v] for v in reads | writes))] += 1
        if op.name in _REDUCTIONS:
            reduced.add(reads)
        after_sum = op.name in SUMS or (after_sum and op.name not in multiplications.MATRIX)
        steps.append(step)
    for group in {id(group): group for group in siblings.values()}.values():
        work.kernels[Kernel(0, "", sum(sizes[v] for v in group))] += 1
    work.arguments = sum(sizes[v] for v in program.inputs)
    work.memory = _peak(program, steps, donated)
    return work


def _add_loop(work: Work, op: Operation) -> int:
    """Adds what a loop does; returns the bytes that it needs beside its arguments."""
    inner = [
        (_count(body, [False] * len(body.inputs)), times) for body, times in operations.bodies(op)
    ]
    work.add(*max(inner, key=lambda each: each[0].flops))
    return max(done.memory - done.arguments for done, _ in inner)


def _siblings(program: Operations, memory: _Memory) -> dict[int, set[int]]:
    """Results of the program that one kernel computes, such as all that an optimiser keeps of one
    weight: they have one size and read an array of it together. Result -> all that is moved."""
    groups: dict[int, set[int]] = {}
    by_array: dict[int, set[int]] = {}
    results = set(program.outputs)
    for op in program.listed:
        if not _is_fused(op) or len(op.outputs) != 1 or op.outputs[0] not in results:
            continue
        (out,), reads = op.outputs, memory.read_by(op)
        same = [v for v in reads if program.sizes[v] == program.sizes[out]]
        group = next((by_array[v] for v in same if v in by_array), set())
        group |= reads | {out}
        groups[out] = group
        by_array |= dict.fromkeys(same, group)
    return groups


@dataclasses.dataclass(frozen=True)
class _Step:
    """One kernel, in order: what it reads and writes, and the bytes that it needs beside these."""

    reads: frozenset[int]
    writes: frozenset[int]
    beside: int = 0


def _peak(program: Operations, steps: Sequence[_Step], donated: Sequence[bool]) -> int:
    """Most bytes in memory at one time, if each array goes when it is read for the last time."""
    stay = set(program.outputs)
    stay |= {v for v, given in zip(program.inputs, donated, strict=True) if not given}
    last = {value: i for i, step in enumerate(steps) for value in step.reads | step.writes}
    ends: dict[int, list[int]] = collections.defaultdict(list)
    for value, i in last.items():
        if value not in stay:
            ends[i].append(value)
    live = set(program.inputs)
    size = peak = sum(program.sizes[v] for v in live)
    for i, step in enumerate(steps):
        new = step.writes - live
        live |= new
        size += sum(program.sizes[v] for v in new)
        peak = max(peak, size + step.beside)
        for value in ends[i]:
            live.discard(value)
            size -= program.sizes[value]
    return peak
