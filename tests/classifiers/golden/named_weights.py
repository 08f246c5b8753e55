"""Deterministic weights, made from parameter names alone.

Every array of a torchvision `state_dict` is a function of its name and shape, so two
implementations can hold identical weights without exchanging a file. `<network>.npz`
was computed in float64 with these weights; see `../conftest.py`.
"""

import zlib

import numpy as np


def named_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the f64 array of the torchvision entry `name` (torch layout: OIHW, [out, in])."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_mean"):
        return 0.1 * rng.standard_normal(shape)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) == 1:  # biases, and BatchNorm scale and offset
        offset = 0.0 if name.endswith("bias") else 1.0
        return offset + 0.1 * rng.standard_normal(shape)
    fan_in = int(np.prod(shape[1:]))
    return rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)


def images(size: int, batch: int = 2) -> np.ndarray:
    """Returns f64[batch, 3, size, size] (NCHW) standard-normal inputs."""
    return np.random.default_rng(size).standard_normal((batch, 3, size, size))


def direction(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns a standard-normal f32 array for the entry `name`, along which it is measured.

    An error by a share e of an array's norm changes its product with this by about e norms.
    """
    rng = np.random.default_rng(zlib.crc32(f"direction of {name}".encode()))
    return rng.standard_normal(shape, np.float32)
