"""Starts JAX on the devices that a run shall have, and says what is wrong where it can't."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil

import jax

from synthmed_jax import parallel
from synthmed_jax.errors import UserError

# Modules that jax finds NVIDIA devices with, by the version of CUDA.
_CUDA_PLUGINS = ("jax_cuda13_plugin", "jax_cuda12_plugin")


def start(cpu_devices: int) -> None:
    """Starts JAX, after the settings that can only be made before that.

    Args:
      cpu_devices: virtual devices of the CPU, 0: one per core.

    Raises:
      UserError: JAX has been started with another number of them, can't be started, or computes
        with 64 bits.
    """
    if jax.config.values["jax_enable_x64"]:
        # Random numbers of 64 bits are others.
        raise UserError(
            "JAX_ENABLE_X64 is set, and all results would be other ones: unset it for this program "
            "(env -u JAX_ENABLE_X64 python main.py ...)"
        )
    late = False
    try:
        parallel.set_up_devices(cpu_devices)
    except RuntimeError:  # JAX is at work in this process
        late = True
    try:
        platform, count = jax.default_backend(), parallel.device_count()
    except (RuntimeError, AssertionError) as error:
        raise UserError(_why_not(str(error))) from error
    wanted = cpu_devices or parallel.available_cores()
    if late and platform == "cpu" and count != wanted:
        raise UserError(
            f"JAX has been started in this process with {parallel.device_count()} CPU device(s), "
            f"and config.cpu_devices asks for {wanted}, which must be set before: call runner.run "
            f"first in a new process (restart the notebook's kernel), or set "
            f"config.cpu_devices={count}"
        )
    parallel.connect_hosts()


def _why_not(error: str) -> str:
    reason = f" ({error.splitlines()[0]})" if error else ""
    platforms = jax.config.values["jax_platforms"]
    if platforms:
        return (
            f"JAX_PLATFORMS={platforms} names a platform that is not there{reason}: unset it, set "
            "JAX_PLATFORMS=cpu, or install JAX for that platform (BUILD.md)"
        )
    return f"JAX can't start{reason}: JAX_PLATFORMS=cpu runs on the CPU"


def check_accelerator(scale: str) -> None:
    """Refuses the scale `paper` on a CPU beside an NVIDIA device that is not used; warns elsewhere.

    Raises:
      UserError: saying why JAX does not use it.
    """
    if scale != "paper" or jax.default_backend() != "cpu":
        return
    if shutil.which("nvidia-smi") or pathlib.Path("/proc/driver/nvidia").exists():
        raise UserError(
            f"this machine has an NVIDIA device, but {_why_cpu()}, or use a config with :cpu"
        )
    print("paper scale on a CPU takes weeks; a config with :cpu takes two hours", flush=True)


def _why_cpu() -> str:
    """Why JAX runs on the CPU, and what to do."""
    platforms = jax.config.values["jax_platforms"]
    if platforms:
        return f"JAX_PLATFORMS={platforms} keeps JAX from it: unset that"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES={visible!r} hides it: unset that"
    if any(importlib.util.find_spec(plugin) for plugin in _CUDA_PLUGINS):
        return (
            "JAX, which has CUDA support, found none: see what `JAX_PLATFORMS=cuda python -c "
            "'import jax; jax.devices()'` says"
        )
    return "JAX has no CUDA support: pip install -r requirements-cuda.txt"
