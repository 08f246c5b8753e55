"""What is known of the generator and of its images' distances, in sentences without a verdict."""

from __future__ import annotations

from synthmed_jax.report.files import Contents
from synthmed_jax.report.formats import PLUS_MINUS, n_is
from synthmed_jax.results.fidelity import BitsPerDimension, Fidelity
from synthmed_jax.results.generator import GeneratorEnd

ONE_MODEL = "all"  # the name that one model of all classes has in evaluate/fidelity.json


def generators(contents: Contents) -> list[str]:
    """Returns which weights images are drawn from, why training ended, and their bits."""
    bounds = {} if contents.fidelity is None else contents.fidelity.bits_per_dimension
    sentences = []
    for name, generator in contents.generators.items():
        if generator.end is not None:
            images = f"Images of {name}" if name else "Images"
            bound = bounds.get(name or ONE_MODEL)
            bits = "" if bound is None else f" {_bits(bound)}"
            sentences.append(f"{images} {_weights(generator.end)}{bits}")
    return sentences


def _weights(end: GeneratorEnd) -> str:
    chosen = (
        "the last; nothing was validated"
        if end.val_loss is None
        else f"the lowest validation loss, {end.val_loss:.4f}"
    )
    return (
        f"are drawn from the average of the weights with a half-life of {end.half_life} steps at "
        f"step {end.step} ({chosen}). Training ended at step {end.ended_at}: {end.why}."
    )


def _bits(bound: BitsPerDimension) -> str:
    error = bound.standard_error
    spread = "" if error is None else f" {PLUS_MINUS} {error:.2f}"
    return (
        f"The variational bound of {n_is(bound.num_images)} val images is {bound.total:.2f}"
        f"{spread} bits per dimension (mean and standard error): prior {bound.prior:.4f}, steps "
        f"{bound.steps:.2f}, decoder {bound.decoder:.2f}."
    )


def distance_numbers(fidelity: Fidelity | None) -> str:
    """Returns the medians behind the ratio of nearest distances, with their n."""
    if fidelity is None:
        return ""
    synthetic = f"{fidelity.median_synthetic:.3g} ({n_is(fidelity.num_synthetic)})"
    if fidelity.ratio is None:
        return f"Median distance ({fidelity.distance}) of synthetic images: {synthetic}."
    return (
        f"Median distance ({fidelity.distance}) to the nearest of {n_is(fidelity.num_fit)} fit "
        f"images: synthetic {synthetic}, real validation images {fidelity.median_val:.3g} "
        f"({n_is(fidelity.num_val)}); ratio {fidelity.ratio:.2f}."
    )


def distance_limits(fidelity: Fidelity | None) -> str:
    """Returns what the nearest distance cannot show."""
    flips = "none" if fidelity is None else fidelity.flips
    compared = "" if flips == "none" else f" (compared under {flips} flips too)"
    return (
        "A median says nothing about single images: a few copies can hide among many originals, "
        f"so look at the closest pairs. A distance between pixels{compared} overlooks copies that "
        "are shifted, rotated or recoloured, and it is no proof that the images are safe to share."
    )
