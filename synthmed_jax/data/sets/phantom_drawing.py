"""Draws brain-MRI-like pictures with known lesions: data that needs no download, with true masks.

A picture is a coronal, contrast-enhanced T1 slice in the manner of Shepp and Logan (1974):
ellipses for scalp, skull, brain, deep grey matter and ventricles, bent by smooth random fields.
Anatomy lives in continuous coordinates, so that one (seed, label, index) is one head at every size;
only the scanner's noise is drawn a pixel at a time. Picture: x to the right and y down, both in
[-1, 1]; head: u and v, centred and upright, the scalp reaching from v = -1 to v = 1. F is the side
of the supersampled grid. It stands in for real images in demonstrations and tests, and proves
nothing about patients.
"""

import dataclasses
import math

import numpy as np

from synthmed_jax.data.sets.raster import (
    area_average,
    blob,
    field,
    grid_axis,
    paint,
    quadratic,
    ramp,
)

CLASS_NAMES = ("glioma", "meningioma", "notumor", "pituitary")

_FINE = 128  # least side of the supersampled drawing, px
_CSF = 0.03  # CSF between brain and skull, head units


@dataclasses.dataclass(frozen=True)
class Phantom:
    """One drawn head with what is known about it, all of side S.

    image u8[S,S]; lesion, cranium (all inside the skull) and head bool[S,S].
    """

    image: np.ndarray
    lesion: np.ndarray
    cranium: np.ndarray
    head: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Head:
    """Head coordinates of the fine grid and the fields that bend what is drawn on it.

    u, v, radius f32[F,F], radius = 1 on the scalp; inner: radius of the skull's inner edge;
    width: half the head's width, its half height being 1.
    """

    u: np.ndarray
    v: np.ndarray
    radius: np.ndarray
    inner: float
    width: float


@dataclasses.dataclass(frozen=True)
class _Lesion:
    """Coverage in [0, 1], grey values, and how much the surroundings darken; f32[F,F] each."""

    coverage: np.ndarray
    value: np.ndarray
    halo: np.ndarray


def draw(seed: int, label: int, index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one phantom: (image u8[size,size], lesion mask bool[size,size], empty for notumor).

    Args:
      seed: >= 0, one data set.
      label: index into CLASS_NAMES.
      index: >= 0, which image of the class.
      size: side of the picture, px, >= 16.

    Raises ValueError for a label or a size out of range.
    """
    phantom = draw_parts(seed, label, index, size)
    return phantom.image, phantom.lesion


def draw_parts(seed: int, label: int, index: int, size: int) -> Phantom:
    """Draws one phantom with its masks; arguments and errors as in `draw`."""
    if not 0 <= label < len(CLASS_NAMES):
        raise ValueError(f"label {label} is none of 0..{len(CLASS_NAMES) - 1} {CLASS_NAMES}")
    if size < 16:
        raise ValueError(f"a phantom of {size} px shows nothing: draw it at 16 px or more")
    rng = np.random.default_rng([seed, label, index])
    factor = max(2, -(-_FINE // size))
    fine = size * factor

    head = _draw_head(rng, fine)
    cranium = _within(head.radius, head.inner)
    centre, reach = _place_lesion(rng, CLASS_NAMES[label], head)
    canvas = _draw_anatomy(rng, head, cranium, centre, reach)
    lesion = _draw_lesion(rng, CLASS_NAMES[label], head, centre, reach)
    coverage = lesion.coverage * cranium
    canvas *= 1 - lesion.halo * cranium
    canvas += coverage * (lesion.value - canvas)

    # Receiver bias and window differ from scan to scan.
    canvas *= rng.uniform(0.85, 1.1) * (1 + 0.09 * field(rng, fine, 4))
    canvas = np.clip(canvas, 0, 1) ** rng.uniform(0.85, 1.2)
    image = _rician(rng, area_average(canvas, factor), rng.uniform(0.008, 0.025))
    parts = (coverage, cranium, _within(head.radius, 1.0))
    lesion_mask, inside, outline = (area_average(part, factor) > 0.5 for part in parts)
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return Phantom(grey, lesion_mask, inside, outline)


def _draw_head(rng: np.random.Generator, fine: int) -> _Head:
    """Places a head in the picture: size, aspect, taper, tilt, position and crookedness."""
    width, taper = rng.uniform(0.78, 0.92), rng.uniform(0.02, 0.12)
    scale, tilt = rng.uniform(0.78, 0.88), rng.normal(0, math.pi / 40)
    shift = rng.uniform(-0.04, 0.04, 2).tolist()
    axis = grid_axis(fine)
    x, y = axis[None, :] - shift[0], axis[:, None] - shift[1]
    cos, sin = math.cos(tilt) / scale, math.sin(tilt) / scale
    u = cos * x + sin * y + 0.02 * field(rng, fine, 4)
    v = cos * y - sin * x + 0.02 * field(rng, fine, 4)
    radius = np.sqrt(np.square(u / (width * (1 - taper * v))) + np.square(v))
    return _Head(u, v, radius, rng.uniform(0.83, 0.88), width)


def _place_lesion(
    rng: np.random.Generator, name: str, head: _Head
) -> tuple[tuple[float, float], float]:
    """Where the class grows its lesion: (centre in head coordinates, radius; 0 for none)."""
    if name == "glioma":
        u = rng.uniform(0.37, 0.48) * head.width
        return (u if rng.random() < 0.5 else -u, rng.uniform(-0.38, 0.2)), rng.uniform(0.20, 0.32)
    if name == "meningioma":
        # On the dura, anywhere but the skull base, and sunk a little into the bone: a broad base.
        reach = rng.uniform(0.15, 0.27)
        angle = rng.uniform(-1.18 * math.pi, 0.18 * math.pi)
        edge = head.inner - rng.uniform(0.45, 0.8) * reach
        return (edge * head.width * math.cos(angle), edge * math.sin(angle)), reach
    if name == "pituitary":
        return (rng.normal(0, 0.012), rng.uniform(0.5, 0.56)), rng.uniform(0.12, 0.2)
    return (0.0, 0.0), 0.0


def _draw_anatomy(
    rng: np.random.Generator,
    head: _Head,
    cranium: np.ndarray,
    centre: tuple[float, float],
    reach: float,
) -> np.ndarray:
    """f32[F,F], grey in [0, 1]: a head without lesion, pushed aside by one of radius `reach`."""
    fine = len(head.u)
    scalp, bone, csf, grey, white = rng.normal((0.62, 0.07, 0.13, 0.40, 0.60), 0.02).tolist()
    canvas = 0.01 + (scalp - 0.01) * _within(head.radius, 1.0)
    paint(canvas, _within(head.radius, head.inner + rng.uniform(0.045, 0.075)), bone)
    paint(canvas, cranium, csf)

    u, v = head.u, head.v
    if reach:  # mass effect: what lies near is displaced outwards
        du, dv = u - centre[0], v - centre[1]
        push = np.exp((np.square(du) + np.square(dv)) * (-0.5 / (1.1 * reach) ** 2))
        push *= rng.uniform(0.25, 0.5)
        u, v = u - du * push, v - dv * push

    _paint_cortex(rng, canvas, head, u, v, (csf, grey, white))
    # Paired parts are drawn once over |u|, each side stretched by its own factor.
    w = np.abs(u) * np.where(u < 0, *rng.uniform(0.9, 1.1, 2).astype(np.float32))
    _paint_deep(rng, canvas, cranium, u, v, w, (csf, grey))
    _paint_base(rng, canvas, head, u, v, w, (csf, 0.6 * scalp))
    # Falx and sagittal sinus take up contrast.
    falx = blob(u, v, (0.0, -0.5), (0.009, head.inner - 0.5), soft=0.012)
    paint(canvas, falx, scalp * 0.8)
    paint(canvas, blob(u, v, (0.0, 0.01 - head.inner), (0.045, 0.04)), 0.85)
    canvas *= 1 + 0.05 * field(rng, fine, 14)
    return canvas


def _paint_cortex(
    rng: np.random.Generator,
    canvas: np.ndarray,
    head: _Head,
    u: np.ndarray,
    v: np.ndarray,
    greys: tuple[float, float, float],
) -> None:
    """Brain of white matter under a folded ribbon of grey; `greys`: CSF, grey, white."""
    csf, grey, white = greys
    # Level lines of a random field make the sulci, near the surface and the midline.
    fold = np.abs(field(rng, len(u), 26))
    fissure = np.abs(u) - 0.02 + np.maximum(v + rng.uniform(0.15, 0.3), 0)
    depth = np.minimum(head.inner - _CSF - head.radius, fissure)
    ribbon = np.maximum(1 - depth / rng.uniform(0.24, 0.34), 0)
    is_white = ramp(depth - 0.06, 0.05) * ramp(fold + 0.2 - ribbon, 0.4)
    brain = grey + (white - grey) * is_white
    brain += (csf - brain) * (ramp(0.42 * ribbon - fold, 0.35) * rng.uniform(0.5, 0.9))
    paint(canvas, ramp(depth, 0.03), brain)


def _paint_deep(
    rng: np.random.Generator,
    canvas: np.ndarray,
    cranium: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    w: np.ndarray,
    greys: tuple[float, float],
) -> None:
    """Thalamus, lentiform nucleus, ventricles and Sylvian fissure; w is |u|, uneven by side."""
    csf, grey = greys
    horn = rng.uniform(0.7, 1.5)  # ventricles: from slits in the young to wide in the old
    low = rng.normal(0, 0.015, 4).tolist()
    wing = (0.15 * horn**0.5, 0.055 * horn)
    paint(canvas, blob(w, v, (0.15, 0.08 + low[0]), (0.08, 0.10)), grey + 0.03)
    paint(canvas, blob(w, v, (0.33, 0.06 + low[0]), (0.06, 0.13), -0.2), grey)
    paint(canvas, blob(w, v, (0.13, low[1] - 0.13), wing, -0.55), csf)
    sylvian = blob(w, v, (0.62, 0.17 + low[2]), (0.2, 0.035), -0.3)
    paint(canvas, sylvian * cranium, csf)
    paint(canvas, blob(w, v, (0.36, 0.44 + low[3]), (0.05, 0.02), 0.5), csf)
    paint(canvas, blob(u, v, (0.0, 0.10), (0.013 + 0.012 * horn, 0.11)), csf)


def _paint_base(
    rng: np.random.Generator,
    canvas: np.ndarray,
    head: _Head,
    u: np.ndarray,
    v: np.ndarray,
    w: np.ndarray,
    greys: tuple[float, float],
) -> None:
    """Skull base: cistern, marrow under the sella, gland and carotids, the sphenoid sinus's air."""
    csf, marrow = greys
    low = rng.normal(0, 0.015)
    paint(canvas, blob(u, v, (0.0, 0.50 + low), (0.2, 0.07)), csf)
    base = np.maximum(
        blob(head.u, head.v, (0.0, 0.97 + low), (0.62, 0.30), soft=0.03),
        blob(head.u, head.v, (0.0, 0.78 + low), (0.26, 0.21), soft=0.03),
    )
    paint(canvas, base * _within(head.radius, head.inner + 0.02), marrow * rng.uniform(0.85, 1.15))
    sinus = (rng.uniform(0.12, 0.2), rng.uniform(0.05, 0.08))
    paint(canvas, blob(head.u, head.v, (rng.normal(0, 0.02), 0.73), sinus), 0.03)
    paint(canvas, blob(w, v, (0.15, 0.55 + low), (0.04, 0.035)), 0.5)
    paint(canvas, blob(u, v, (0.0, 0.56 + low), (0.055, 0.025)), 0.55)


def _draw_lesion(
    rng: np.random.Generator,
    name: str,
    head: _Head,
    centre: tuple[float, float],
    reach: float,
) -> _Lesion:
    """The class's lesion, before it is cut at the skull."""
    fine = len(head.u)
    nothing = np.zeros_like(head.u)
    if not reach:
        return _Lesion(nothing, nothing, nothing)
    stretch, turn = rng.uniform(0.85, 1.15), rng.uniform(0, math.pi)
    radii = (reach * stretch, reach / stretch)
    distance = np.sqrt(quadratic(head.u, head.v, centre, radii, turn))
    bright = rng.uniform(0.75, 1.0)
    if name == "glioma":
        # Ring enhancement around necrosis, a ragged border, oedema that fades into the brain.
        ragged = 0.2 * field(rng, fine, 12) + 0.1 * field(rng, fine, 22)
        distance += np.clip(ragged, -0.35, 0.35)
        in_brain = _within(head.radius, head.inner - _CSF)
        core = ramp(rng.uniform(0.55, 0.75) - distance + 0.13 * field(rng, fine, 16), 0.25)
        rim = bright - 0.05 + 0.1 * field(rng, fine, 16)
        value = rim + core * (rng.uniform(0.08, 0.2) - rim)
        halo = 0.42 * ramp(1.55 - distance, 0.7) * in_brain
        return _Lesion(ramp(1 - distance, 0.12) * in_brain, value, halo)
    value = bright + 0.03 * field(rng, fine, 10)
    if name == "meningioma":
        # A cleft of CSF parts it from the brain, as it grows outside of it.
        halo = 0.6 * ramp(1.14 - distance, 0.12)
        return _Lesion(ramp(1 - distance, 0.07), value, halo)
    # A macroadenoma grows up out of the sella, waisted where the diaphragm holds it.
    dome = (centre[0], centre[1] - rng.uniform(0.3, 0.8) * reach)
    size = reach * rng.uniform(0.65, 0.85)
    distance = np.minimum(distance, np.sqrt(quadratic(head.u, head.v, dome, (size, size), 0.0)))
    return _Lesion(ramp(1 - distance, 0.1), value, 0.3 * ramp(1.15 - distance, 0.2))


def _within(radius: np.ndarray, limit: float) -> np.ndarray:
    """f32[F,F] in [0, 1]: coverage of the head's layer inside `limit`."""
    return ramp(limit - radius, 0.015)


def _rician(rng: np.random.Generator, image: np.ndarray, sigma: float) -> np.ndarray:
    """Magnitude of the complex signal with white noise in both channels, as a scanner stores it."""
    real, imaginary = rng.normal(0, sigma, (2, *image.shape))
    return np.hypot(image + real, imaginary)
