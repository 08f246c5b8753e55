"""Runs stages: skips what is finished, resumes what is not, refuses what does not fit together."""

from __future__ import annotations

import pathlib
import shutil
import time
from collections.abc import Sequence

import jax
from ml_collections import ConfigDict

from synthmed_jax import checks, expected, parallel, protocol, stages, workdir
from synthmed_jax import settings as settings_module
from synthmed_jax.errors import UserError
from synthmed_jax.experiment import Run
from synthmed_jax.files import read_json, write_json
from synthmed_jax.machine import describe_run, peak_memory_mib

COMPILATION_CACHE = pathlib.Path("~/.cache/synthmed_jax/xla")


def run(
    config: ConfigDict,
    directory: pathlib.Path,
    only: Sequence[str] = (),
    *,
    dry_run: bool = False,
) -> None:
    """Runs the stages that are not finished, in order.

    Args:
      config: from configs/.
      directory: the workdir.
      only: names of stages; empty: all.
      dry_run: only time a few steps of the long stages and say how long they will take; nothing is
        written to the workdir.

    Raises:
      UserError: bad settings, data or workdir; nothing that was computed is lost.
    """
    config = protocol.apply(config)
    settings = settings_module.from_config(config)
    for name in only:
        checks.one_of("--stages", name, stages.STAGES)
    parallel.set_up_devices(settings.cpu_devices)
    _check_accelerator(settings.scale)
    _keep_compiled_programs()
    run = Run(settings, directory)
    names = [
        name
        for name, stage in stages.STAGES.items()
        if name in only or not (only or stage.optional)
    ]
    for name in stages.with_upstream(run, names):
        workdir.check(directory, name, stages.fingerprint(run, name))
    for name in names:
        stages.STAGES[name].check(run)
    if dry_run:
        _say_expected(run, names)
        return
    with workdir.lock(directory):
        _run_stages(run, names, config)
    report = directory / "report" / "index.html"
    if report.exists():
        print(f"report: {report.absolute()}", flush=True)


def _run_stages(run: Run, names: Sequence[str], config: ConfigDict) -> None:
    write_json(run.workdir / "config.json", config.to_dict())
    expectations: dict[str, float] | None = None
    for name in names:
        if expectations is None and _is_long(run, name):
            expectations = _say_expected(run, names)
        _run_stage(run, name, (expectations or {}).get(name))


def _is_long(run: Run, name: str) -> bool:
    """Whether a stage takes long and has work left; one whose inputs are not finished has."""
    if name not in expected.ESTIMATES:
        return False
    # The inputs first: what is explained is known only after the evaluation.
    return not all(stages.is_finished(run, each) for each in (*stages.upstream(run, name), name))


def _say_expected(run: Run, names: Sequence[str]) -> dict[str, float]:
    """Times a few steps of those of `names` that are long, and prints what that comes to."""
    seconds = expected.expected_seconds(run, [name for name in names if _is_long(run, name)])
    said = [f"{name} {expected.in_words(value)}" for name, value in seconds.items()]
    total = expected.in_words(sum(seconds.values()))
    print(
        f"expected on this machine: {', '.join(said) or 'nothing long'}; in all {total}", flush=True
    )
    return seconds


def _run_stage(run: Run, name: str, expected_seconds: float | None = None) -> None:
    for upstream in stages.upstream(run, name):
        marker = workdir.read_marker(run.workdir, upstream)
        if not marker or marker["status"] != "finished":
            raise UserError(f"stage {name!r} needs {upstream!r}, which is not finished: run it too")
    if stages.is_finished(run, name):
        print(f"{name}: finished, nothing to do", flush=True)
        return
    about = f" about {expected.in_words(expected_seconds)}" if expected_seconds else ""
    print(f"{name} ...{about}", flush=True)
    stages.mark(run, name, "started")
    started = time.monotonic()
    status = "stopped"
    try:
        stages.STAGES[name].run(run)
        stages.mark(run, name, "finished")
        status = "finished"
    finally:
        _record(run, name, status, time.monotonic() - started, expected_seconds)
    print(f"{name}: done in {time.monotonic() - started:.0f} s", flush=True)


def _record(
    run: Run, name: str, status: str, seconds: float, expected_seconds: float | None
) -> None:
    """Adds a stage to run.json."""
    path = run.workdir / "run.json"
    before = read_json(path) if path.exists() else {}
    timings = before.get("stages", {})
    timings[name] = {
        "status": status,
        "seconds": round(timings.get(name, {}).get("seconds", 0.0) + seconds, 1),
        "peak_memory_mib": peak_memory_mib(),
    }
    if expected_seconds is not None:
        timings[name]["expected_seconds"] = round(expected_seconds, 1)
    seeds = {field: v for field, v in run.settings.fields.items() if field.endswith("seed")}
    data = {
        "name": run.settings.data.name,
        "hash": run.data.data_hash,
        "num_images": len(run.data.images),
        "unreadable": list(run.data.unreadable),
    }
    write_json(path, {**describe_run(), "seeds": seeds, "data": data, "stages": timings})


def _check_accelerator(scale: str) -> None:
    if scale != "paper" or jax.default_backend() != "cpu":
        return
    if shutil.which("nvidia-smi") or pathlib.Path("/proc/driver/nvidia").exists():
        raise UserError(
            "this machine has an NVIDIA device but JAX has no CUDA support: "
            "pip install -r requirements-cuda.txt, or use a config with :cpu"
        )
    print("paper scale on a CPU takes weeks; a config with :cpu takes two hours", flush=True)


def _keep_compiled_programs() -> None:
    """Compiling a step takes half a minute on two cores: a second run must not pay again."""
    if jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", str(COMPILATION_CACHE.expanduser()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
