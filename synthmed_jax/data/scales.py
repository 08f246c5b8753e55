"""What the passes over a set's files have found out about their grey scales."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from synthmed_jax.data import grey_scale
from synthmed_jax.data.formats.opened import Kind
from synthmed_jax.data.grey_scale import Histogram, Window


@dataclasses.dataclass(frozen=True)
class Scales:
    """What is known of the files' values before a pass.

    Attributes:
      windows: kind -> the values that become black and white.
      turned: kinds whose lowest value is white, where there are files of the same kind whose lowest
        value is black -> the ends of their values (`grey_scale.ends`). Their values are turned
        over, and are then of the other kind.
    """

    windows: Mapping[Kind, Window]
    turned: Mapping[Kind, tuple[float, float]]

    def common(self, kind: Kind) -> Kind:
        """Returns the kind whose window holds for files of this one."""
        return Kind(kind.name) if kind in self.turned else kind

    def describe(self, kind: Kind) -> str:
        """Returns a kind's name for the table, and where its lowest value is white."""
        if kind.inverted:
            return f"{kind.name} (lowest value is white)"
        both = Kind(kind.name, inverted=True) in self.turned
        return kind.name + (" (files whose lowest value is white are turned over)" if both else "")

    def after(self, unknown: Mapping[Kind, Histogram]) -> Scales:
        """Returns what is known after a pass that has met kinds of unknown windows.

        Args:
          unknown: such a kind -> all its values.
        """
        turned = {
            kind: grey_scale.ends(kind, histogram)
            for kind, histogram in unknown.items()
            if kind.inverted and Kind(kind.name) in unknown
        }
        if turned:  # another pass looks at their values, together with those of the others
            return dataclasses.replace(self, turned=turned)
        decided = {kind: grey_scale.decide(kind, histogram) for kind, histogram in unknown.items()}
        return dataclasses.replace(self, windows={**self.windows, **decided})
