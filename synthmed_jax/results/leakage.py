"""split/leakage.json: identical files, counted within the classes and across the parts."""

from __future__ import annotations

import dataclasses

from synthmed_jax.results.stored import Stored


@dataclasses.dataclass(frozen=True)
class ClassCopies:
    """Identical files (equal sha256) in one class; a copy is any but the first of equal files.

    Attributes:
      copies: files that are a copy of another file of the class.
      val_in_fit: `val` images whose file equals that of a `fit` image.
      held_out_in_fit_or_val: held-out images whose file equals that of a `fit` or `val` image.
    """

    copies: int
    val_in_fit: int
    held_out_in_fit_or_val: int


@dataclasses.dataclass(frozen=True)
class Leakage(Stored):
    """split/leakage.json.

    Attributes:
      classes: class -> its identical files.
      num_val, num_held_out: images of these parts.
      under_two_labels: contents that lie in two classes or more, as the settings allow it.
    """

    classes: dict[str, ClassCopies]
    num_val: int
    num_held_out: int
    under_two_labels: int = 0

    @property
    def copies(self) -> int:
        """Copies in all classes."""
        return sum(each.copies for each in self.classes.values())

    @property
    def val_in_fit(self) -> int:
        """`val` images that equal a `fit` image, in all classes."""
        return sum(each.val_in_fit for each in self.classes.values())

    @property
    def held_out_in_fit_or_val(self) -> int:
        """Held-out images that equal a `fit` or `val` image, in all classes."""
        return sum(each.held_out_in_fit_or_val for each in self.classes.values())
