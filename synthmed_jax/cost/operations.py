"""A traced program as one list of operations: calls are written out, loops stay whole."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

LOOPS = ("scan", "while", "cond")
# The parameter in which a primitive that only calls another program holds it.
_CALLED = ("jaxpr", "call_jaxpr", "fun_jaxpr")
# They change how an array is looked at: XLA moves no data for them, or folds them into what reads
# the array.
_VIEWS = ("reshape", "squeeze", "expand_dims", "transpose", "stop_gradient", "copy")


@dataclasses.dataclass(frozen=True)
class Operation:
    """One primitive.

    Attributes:
      name: of the primitive.
      params: as JAX has them.
      operands, results: shapes and dtypes.
      inputs, outputs: numbers of values in the program. A view has the number of what it shows, a
        number that is written into the program has none.
    """

    name: str
    params: Mapping[str, Any]
    operands: tuple[jax.ShapeDtypeStruct, ...]
    results: tuple[jax.ShapeDtypeStruct, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Operations:
    """The operations of a program on one device, in order.

    Attributes:
      listed: the operations.
      sizes: bytes of each value, by its number.
      inputs, outputs: numbers of the program's own.
    """

    def __init__(self, program: Jaxpr) -> None:
        self.listed: list[Operation] = []
        self.sizes: list[int] = []
        numbers = {v: self._new(v) for v in (*program.constvars, *program.invars)}
        self.inputs = tuple(numbers[v] for v in (*program.constvars, *program.invars))
        self._add(program, numbers)
        self.outputs = tuple(numbers[v] for v in program.outvars if isinstance(v, Var))

    def _new(self, value: Var) -> int:
        self.sizes.append(bytes_of(_shape(value)))
        return len(self.sizes) - 1

    def _add(self, program: Jaxpr, numbers: dict[Var, int]) -> None:
        for equation in program.eqns:
            known = [numbers.get(v) if isinstance(v, Var) else None for v in equation.invars]
            called = _called(equation)
            if called is not None:
                self._write_out(called, equation, known, numbers)
            elif equation.primitive.name in _VIEWS and known[0] is not None:
                numbers[equation.outvars[0]] = known[0]
            else:
                for value in equation.outvars:
                    numbers[value] = self._new(value)
                operation = Operation(
                    equation.primitive.name,
                    equation.params,
                    tuple(map(_shape, equation.invars)),
                    tuple(map(_shape, equation.outvars)),
                    tuple(number for number in known if number is not None),
                    tuple(numbers[value] for value in equation.outvars),
                )
                self.listed.append(operation)

    def _write_out(
        self,
        called: Jaxpr,
        equation: JaxprEqn,
        known: Sequence[int | None],
        numbers: dict[Var, int],
    ) -> None:
        inside = {v: self._new(v) for v in called.constvars}
        for value, number in zip(called.invars, known, strict=True):
            inside[value] = self._new(value) if number is None else number
        self._add(called, inside)
        for outer, inner in zip(equation.outvars, called.outvars, strict=True):
            numbers[outer] = inside[inner] if isinstance(inner, Var) else self._new(outer)


def on_one_device(traced: jax.stages.Traced) -> Operations:
    """The operations of a program that is spread over devices, on one of them."""
    (equation,) = traced.jaxpr.jaxpr.eqns
    if equation.primitive.name != "shard_map":
        raise ValueError(f"{equation.primitive} is no program that is spread over devices")
    return Operations(_open(equation.params["jaxpr"]))


def bodies(operation: Operation) -> list[tuple[Operations, int]]:
    """What a loop or a branch runs, and how often.

    Raises:
      ValueError: a `while`, of which nobody knows that.
    """
    if operation.name == "cond":
        return [(Operations(_open(branch)), 1) for branch in operation.params["branches"]]
    if operation.name == "scan":
        return [(Operations(_open(operation.params["jaxpr"])), operation.params["length"])]
    raise ValueError(f"how often {operation.name} goes round can't be told")


def bytes_of(shape: jax.ShapeDtypeStruct) -> int:
    """Of an array; a random key counts as its two words."""
    words = 2 * 4 if jax.dtypes.issubdtype(shape.dtype, jax.dtypes.prng_key) else 0
    return math.prod(shape.shape) * (words or shape.dtype.itemsize)


def _shape(value: Var | Literal) -> jax.ShapeDtypeStruct:
    described: Any = value.aval
    return jax.ShapeDtypeStruct(described.shape, described.dtype)


def _called(equation: JaxprEqn) -> Jaxpr | None:
    """The program that an equation only calls."""
    if equation.primitive.name in LOOPS:
        return None
    found = [equation.params[name] for name in _CALLED if name in equation.params]
    if len(found) != 1 or not isinstance(found[0], ClosedJaxpr | Jaxpr):
        return None
    program = _open(found[0])
    return program if len(program.invars) == len(equation.invars) else None


def _open(program: ClosedJaxpr | Jaxpr) -> Jaxpr:
    return program.jaxpr if isinstance(program, ClosedJaxpr) else program
