"""Programs as another machine would compile them: traced for its devices, and never run.

Within `on("cuda", 8)`, what parallel.py would run on this machine's devices is traced for eight
GPUs instead, from the shapes of its arguments, and noted. No weights are made and nothing is
compiled, so that a GPU's or TPU's programs can be looked at where there is none.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

# A pytree: nested dicts, tuples and named tuples of arrays or of their shapes.
Tree = Any

PLATFORMS = ("cpu", "cuda", "tpu")


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a program depends on of the machine that it is compiled for.

    Attributes:
      platform: one of PLATFORMS.
      devices: how many it has.
    """

    platform: str
    devices: int

    def __post_init__(self) -> None:
        if self.platform not in PLATFORMS:
            raise ValueError(f"platform {self.platform!r} is not one of {', '.join(PLATFORMS)}")


@dataclasses.dataclass(frozen=True)
class Program:
    """A function over devices, and the shapes that it was called with.

    Attributes:
      name: of the Python function.
      jitted: the function under `jax.jit`, over an abstract mesh of `devices`.
      arguments: a `jax.ShapeDtypeStruct` for every array, of the global shapes.
      devices: over which it is spread.
      machine: on which it was rehearsed.
    """

    name: str
    jitted: jax.stages.Wrapped
    arguments: tuple[Tree, ...]
    devices: int
    machine: Machine

    def trace(self) -> jax.stages.Traced:
        """The traced program; `.jaxpr` holds its operations, on one device's shares."""
        with _machine(self.machine):
            return self.jitted.trace(*self.arguments)

    def export(self) -> jax.export.Exported:
        """The program as it is handed to XLA on the machine's platform.

        Raises:
          ValueError: it calls functions for which JAX gives no guarantee there (jax.export).
        """
        with _machine(self.machine):
            exported = jax.export.export(self.jitted, platforms=[self.machine.platform])
            return exported(*self.arguments)


# Seconds that a call takes there: (what is called, the programs that it ran, in order) -> seconds.
Clock = Callable[[str, Sequence[Program]], float]


class Rehearsal:
    """What was called while a machine was rehearsed.

    Attributes:
      machine: the one that is rehearsed.
      programs: every call in order; a program that is called twice is there twice.
    """

    def __init__(self, machine: Machine, clock: Clock | None) -> None:
        self.machine = machine
        self.programs: list[Program] = []
        self._clock = clock
        self._known: dict[object, tuple[Program, Tree]] = {}

    def note(
        self,
        function: Callable[..., Tree],
        arguments: tuple[Tree, ...],
        *,
        axis: str,
        split_in: Sequence[bool],
        split_out: bool,
        devices: int,
        donated: tuple[int, ...] = (),
    ) -> Tree:
        """Traces a function as each device would run it; returns the shapes of its results.

        Args:
          function: of one device's shares.
          arguments: arrays or their shapes, not split yet.
          axis: the name of the devices in `function`.
          split_in: which arguments are split over the devices, on their first axis; the others are
            whole on each.
          split_out: whether the results are put together on their first axis; else each device has
            the same.
          devices: over which it is spread.
          donated: arguments whose memory the results may take.
        """
        shapes = jax.tree.map(_shape_of, arguments)
        leaves, structure = jax.tree.flatten(shapes)
        key = (function, devices, structure, *((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in self._known:
            mesh = AbstractMesh((devices,), (axis,))
            whole, shares = PartitionSpec(), PartitionSpec(axis)
            specs = tuple(shares if split else whole for split in split_in)
            mapped = jax.shard_map(
                function,
                mesh=mesh,
                in_specs=specs,
                out_specs=shares if split_out else whole,
                check_vma=False,
            )
            jitted = jax.jit(
                mapped,
                in_shardings=tuple(NamedSharding(mesh, spec) for spec in specs),
                donate_argnums=donated,
            )
            program = Program(function.__qualname__, jitted, shapes, devices, self.machine)
            self._known[key] = program, program.trace().out_info
        program, results = self._known[key]
        self.programs.append(program)
        return jax.tree.map(lambda r: jax.ShapeDtypeStruct(r.shape, r.dtype), results)

    def seconds(self, name: str, call: Callable[[], Tree]) -> float:
        """What a call would take there, by the clock that was given.

        Args:
          name: of what is called.
        """
        if self._clock is None:
            raise RuntimeError(f"{name} is to be timed in a rehearsal without a clock")
        before = len(self.programs)
        call()
        return self._clock(name, self.programs[before:])


def _shape_of(x: Tree) -> jax.ShapeDtypeStruct:
    described = x if isinstance(x, jax.ShapeDtypeStruct) else jax.typeof(x)
    return jax.ShapeDtypeStruct(described.shape, described.dtype)


# A part of the key under which JAX keeps what it has traced: what was traced for this machine's CPU
# is not taken for a GPU.
_machine = jax.make_user_context(default_value=None)
_rehearsal: contextvars.ContextVar[Rehearsal | None] = contextvars.ContextVar(
    "rehearsal", default=None
)


@contextlib.contextmanager
def on(platform: str, devices: int, clock: Clock | None = None) -> Iterator[Rehearsal]:
    """Within it, programs are traced for another machine, and arrays may be mere shapes.

    Args:
      platform: one of PLATFORMS.
      devices: how many the machine has.
      clock: what takes the place of this machine's, where something is timed.
    """
    rehearsal = Rehearsal(Machine(platform, devices), clock)
    token = _rehearsal.set(rehearsal)
    try:
        with _machine(rehearsal.machine):
            yield rehearsal
    finally:
        _rehearsal.reset(token)


def current() -> Rehearsal | None:
    """The rehearsal that is under way; None: what is called is run."""
    return _rehearsal.get()


def machine() -> Machine | None:
    """The machine that programs are traced for; None: this one."""
    traced_for: Machine | None = _machine.value
    return traced_for


def made(make: Callable[[], Tree]) -> Tree:
    """What `make` returns; in a rehearsal its shapes alone, without any work."""
    return make() if current() is None else jax.eval_shape(make)
