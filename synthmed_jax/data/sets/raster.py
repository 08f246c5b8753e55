"""Soft-edged shapes and smooth random fields on a square grid, for what is drawn by procedure.

Everything is f32[F,F] (F the grid's side) and a function of continuous coordinates, so a drawing
looks the same at every F. Numbers given to these functions are Python floats: a numpy float64
would turn every array into float64, at twice the time.
"""

import functools
import math

import numpy as np


def quadratic(
    u: np.ndarray,
    v: np.ndarray,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float,
) -> np.ndarray:
    """f32[F,F]: 0 at the ellipse's centre, 1 on its edge; `turn` in radians, clockwise."""
    # In place, a quadratic form in (du, dv): at 256 px fresh arrays cost more than the arithmetic.
    cos, sin = math.cos(turn), math.sin(turn)
    form = (cos / radii[0]) ** 2 + (sin / radii[1]) ** 2
    mixed = 2 * cos * sin * (radii[0] ** -2 - radii[1] ** -2)
    other = (sin / radii[0]) ** 2 + (cos / radii[1]) ** 2
    du, dv = u - centre[0], v - centre[1]
    result = dv * mixed
    result += du * form
    result *= du
    dv *= dv
    dv *= other
    result += dv
    return result


def blob(
    u: np.ndarray,
    v: np.ndarray,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float = 0.0,
    soft: float = 0.02,
) -> np.ndarray:
    """f32[F,F] in [0, 1]: coverage of an ellipse whose edge is about `soft` units of u, v wide."""
    # 1 - q is twice the relative distance to the edge.
    return ramp(1 - quadratic(u, v, centre, radii, turn), 2 * soft / min(radii))


def ramp(signed: np.ndarray, width: float) -> np.ndarray:
    """f32[F,F] in [0, 1]: 0 below -width/2, 1 above width/2, linear between."""
    result = signed * (1 / width)
    result += 0.5
    return np.clip(result, 0, 1, out=result)


def paint(canvas: np.ndarray, coverage: np.ndarray, value: np.ndarray | float) -> None:
    """Lays `value` over the canvas in place."""
    canvas += coverage * (value - canvas)


def field(rng: np.random.Generator, fine: int, knots: int) -> np.ndarray:
    """f32[F,F]: smooth random field of unit variance, features about 2/knots wide, any F alike."""
    basis = _spline(fine, knots)
    return basis @ rng.standard_normal((knots, knots), dtype=np.float32) @ basis.T


@functools.lru_cache(maxsize=32)
def _spline(fine: int, knots: int) -> np.ndarray:
    """f32[F,knots]: cubic B-splines over [-1, 1], scaled to make white noise unit-variance."""
    spacing = 2 / (knots - 3)
    offset = np.abs(grid_axis(fine)[:, None] / spacing - (np.arange(knots) - (knots - 1) / 2))
    near, far = 2 / 3 - offset**2 + offset**3 / 2, (2 - offset) ** 3 / 6
    basis = np.where(offset < 1, near, np.where(offset < 2, far, 0))
    return (basis / np.linalg.norm(basis, axis=1, keepdims=True)).astype(np.float32)


@functools.lru_cache(maxsize=8)
def grid_axis(fine: int) -> np.ndarray:
    """f32[F]: pixel centres in [-1, 1]."""
    return ((np.arange(fine) + 0.5) * (2 / fine) - 1).astype(np.float32)


def area_average(fine: np.ndarray, factor: int) -> np.ndarray:
    """f32[F,F] -> f32[F/factor,F/factor]: the mean of each factor x factor block."""
    size = len(fine) // factor
    rows = fine.reshape(size, factor, -1).mean(axis=1)
    return rows.reshape(size, size, factor).mean(axis=2)
