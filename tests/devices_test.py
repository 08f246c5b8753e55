"""JAX is started for a run, or a sentence says why not; here it is at work with two devices."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

from synthmed_jax import devices
from synthmed_jax.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]


def test_a_jax_that_is_at_work_with_the_devices_that_are_asked_for_is_taken():
    devices.start(2)


def test_a_jax_that_was_started_with_other_devices_is_told_with_the_way_on():
    before = jax.config.values["jax_num_cpu_devices"]
    with pytest.raises(UserError, match=r"started in this process with 2 CPU .*asks for 3.*kernel"):
        devices.start(3)
    assert jax.config.values["jax_num_cpu_devices"] == before


def test_numbers_of_64_bits_are_refused():
    with jax.enable_x64(True), pytest.raises(UserError, match=r"X64 is set.* unset it"):
        devices.start(2)


@pytest.mark.parametrize("platform", ["cuda", "nonsense"])
def test_a_platform_that_is_not_there_is_named(platform):
    code = (
        "from synthmed_jax import devices, errors\n"
        "try:\n    devices.start(2)\nexcept errors.UserError as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"JAX_PLATFORMS": platform},
    )  # fmt: skip
    said = run.stdout.strip()
    if platform == "cuda" and not said:
        pytest.skip("this machine has a CUDA device")
    assert said.startswith(f"JAX_PLATFORMS={platform} names a platform that is not there")
    assert "unset it, set JAX_PLATFORMS=cpu" in said


@pytest.mark.parametrize(
    ("platforms", "visible", "plugin", "why"),
    [
        ("cpu", None, True, "JAX_PLATFORMS=cpu keeps JAX from it: unset that"),
        (None, "", True, "CUDA_VISIBLE_DEVICES='' hides it: unset that"),
        (None, "-1", False, "CUDA_VISIBLE_DEVICES='-1' hides it: unset that"),
        (None, None, True, "JAX, which has CUDA support, found none: see what "),
        (None, "0", False, "JAX has no CUDA support: pip install -r requirements-cuda.txt"),
    ],
)
def test_a_gpu_that_is_not_used_is_told_with_the_reason(
    monkeypatch, platforms, visible, plugin, why
):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    monkeypatch.setattr(devices.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: plugin or None)
    before = jax.config.values["jax_platforms"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    try:
        jax.config.update("jax_platforms", platforms)
        with pytest.raises(UserError) as raised:
            devices.check_accelerator("paper")
    finally:
        jax.config.update("jax_platforms", before)
    assert str(raised.value).startswith(f"this machine has an NVIDIA device, but {why}")
    devices.check_accelerator("cpu")  # wants no GPU
