"""split/leakage.json: what is the same or nearly so, within the classes and across the parts."""

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
class ClassLinks:
    """Images of one class that are linked: by equal pixels, or by being near-duplicates.

    Attributes:
      redundant: images but for one of each set of linked images within the class.
      val_in_fit: `val` images that are linked to a `fit` image.
      held_out_in_fit: held-out images that are linked to a `fit` image.
      held_out_in_fit_or_val: held-out images that are linked to a `fit` or `val` image.
    """

    redundant: int
    val_in_fit: int
    held_out_in_fit: int
    held_out_in_fit_or_val: int


@dataclasses.dataclass(frozen=True)
class AlikePair:
    """Two images that are alike.

    Attributes:
      first, second: their files.
      labels: their classes.
      parts: "fit", "val" or "test", of each.
      correlation: of their aligned details; 1 for equal pixels.
    """

    first: str
    second: str
    labels: tuple[str, str]
    parts: tuple[str, str]
    correlation: float


@dataclasses.dataclass(frozen=True)
class Alike:
    """What is alike in the pixels, as the generator gets them.

    Attributes:
      twins: class -> its images with equal pixels.
      near_duplicates: class -> its images that a chain of twins and near-duplicates links.
      threshold: correlation above which two images are near-duplicates.
      num_reference: different `fit` images that the threshold comes from.
      power: what was done to copies of `fit` images -> share of them that the search finds; empty
        where images are too small for a search.
      components: sets of two or more linked images.
      largest: images in the largest of them.
      conflicts: pairs under two labels, the most alike first, at most 100 of them.
      num_conflicts: all such pairs.
      across: pairs that lie in different parts, from the most to the least alike, a few of them.
      unsearched: why near-duplicates were not looked for, so that all of them are twins; "" where
        they were, and in files of earlier versions.
    """

    twins: dict[str, ClassLinks]
    near_duplicates: dict[str, ClassLinks]
    threshold: float
    num_reference: int
    power: dict[str, float]
    components: int
    largest: int
    conflicts: tuple[AlikePair, ...]
    num_conflicts: int
    across: tuple[AlikePair, ...]
    unsearched: str = ""

    @property
    def twins_held_out(self) -> int:
        """Held-out images with the pixels of a `fit` or `val` image, in all classes."""
        return sum(each.held_out_in_fit_or_val for each in self.twins.values())

    @property
    def near_held_out(self) -> int:
        """Held-out images with a near-duplicate (or twin) in `fit` or `val`, in all classes."""
        return sum(each.held_out_in_fit_or_val for each in self.near_duplicates.values())

    @property
    def near_val(self) -> int:
        """`val` images with a near-duplicate (or twin) in `fit`, in all classes."""
        return sum(each.val_in_fit for each in self.near_duplicates.values())

    @property
    def redundant_twins(self) -> int:
        """Images that repeat the pixels of another one of their class, in all classes."""
        return sum(each.redundant for each in self.twins.values())


@dataclasses.dataclass(frozen=True)
class Leakage(Stored):
    """split/leakage.json.

    Attributes:
      classes: class -> its identical files.
      num_val, num_held_out: images of these parts.
      under_two_labels: contents that lie in two classes or more, as the settings allow it.
      alike: what is alike in the pixels; None in files of versions that did not look.
    """

    classes: dict[str, ClassCopies]
    num_val: int
    num_held_out: int
    under_two_labels: int = 0
    alike: Alike | None = None

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

    @property
    def twins_held_out(self) -> int:
        """Held-out images that equal a `fit` or `val` image: in pixels, where those were compared.

        In files of earlier versions: byte for byte.
        """
        return self.held_out_in_fit_or_val if self.alike is None else self.alike.twins_held_out

    @property
    def near_unsearched(self) -> bool:
        """Whether images of equal pixels alone were looked for, so that they stand for all."""
        return self.alike is not None and bool(self.alike.unsearched)
