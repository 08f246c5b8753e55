"""The stages of a run, their order, and what each reads: files in, files out."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
from ml_collections import ConfigDict

from synthmed_jax import checkpoint, checks, parallel, runlog, workdir
from synthmed_jax import settings as settings_module
from synthmed_jax.classifiers import cross_validate, inputs
from synthmed_jax.classifiers import train as classifier_train
from synthmed_jax.data import images, split, synthetic
from synthmed_jax.diffusion import generate, schedule, unet
from synthmed_jax.diffusion import train as diffusion_train
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import memorisation, real_test
from synthmed_jax.explain import gallery
from synthmed_jax.report import html

COMPILATION_CACHE = pathlib.Path("~/.cache/synthmed_jax/xla")


@dataclasses.dataclass(frozen=True)
class Run:
    """What every stage gets: the settings, the folder, and what is loaded from it on demand."""

    settings: settings_module.Settings
    workdir: pathlib.Path

    @functools.cached_property
    def data(self) -> images.LoadedData:
        """The whole real data set."""
        return images.load_images(self.settings.data)

    @property
    def split_path(self) -> pathlib.Path:
        return self.workdir / "split" / "split.json"

    @functools.cached_property
    def parts(self) -> split.Parts:
        """`fit` and `val`."""
        return split.read_parts(self.split_path, self.data.images)

    @functools.cached_property
    def synthetic(self) -> images.ImageSet:
        """The synthetic set, `per_class` images a class."""
        names = self.data.images.class_names
        return synthetic.load_synthetic(
            self.workdir / "synthetic",
            names,
            self.settings.per_class,
            channels=self.settings.data.channels,
        )

    @functools.cached_property
    def unet(self) -> unet.UNet:
        """The diffusion model's network, without weights."""
        return unet.UNet(self.settings.unet, len(self.data.images.class_names))

    @functools.cached_property
    def schedule(self) -> schedule.Schedule:
        """The diffusion model's noise schedule."""
        return schedule.make_schedule(self.settings.schedule, self.settings.num_steps)

    @functools.cached_property
    def programs(self) -> dict[str, classifier_train.Programs]:
        """Compiled programs by backbone, filled by `programs_of`."""
        return {}

    def programs_of(self, backbone: str) -> classifier_train.Programs:
        """The compiled programs of one network, made once a run."""
        if backbone not in self.programs:
            self.programs[backbone] = classifier_train.make_programs(
                backbone, len(self.data.images.class_names), self.settings.classifier
            )
        return self.programs[backbone]

    def resize(self, image_set: images.ImageSet) -> images.ImageSet:
        """To the size that the classifiers see."""
        return inputs.resize(image_set, self.settings.classifier.image_size)

    @property
    def cells(self) -> list[cross_validate.Cell]:
        """What is trained: every backbone on every arm."""
        seed = self.settings.classifier.seed
        sizes = {"synthetic": (str(self.settings.per_class), "inf"), "real": ("all", "0")}
        return [
            cross_validate.Cell(backbone, arm, *sizes[arm], seed)
            for backbone in self.settings.backbones
            for arm in self.settings.arms
        ]


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
      run: does the work, skipping what an earlier, interrupted run finished.
      fields: prefixes of the config fields that its output depends on.
      ignored: fields under those prefixes that change no output, or only add cells.
      inputs: stages whose output it reads.
      cells: units of work wanted now; the stage is finished when its marker has them all.
    """

    run: Callable[[Run], None]
    fields: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    cells: Callable[[Run], list[str]] = lambda run: ["all"]


def _split(run: Run) -> None:
    found = run.data
    parts = split.split_indices(
        found.images.labels, found.images.class_names, found.images.files, run.settings.split
    )
    split.write_split(
        run.split_path, parts, found.images, found.data_hash, found.unreadable, run.settings.split
    )


def _diffusion(run: Run) -> None:
    diffusion_train.train(
        run.settings.train,
        run.unet,
        run.schedule,
        run.settings.augmentation,
        run.parts.fit,
        run.parts.val,
        run.workdir / "diffusion",
    )


def _generate(run: Run) -> None:
    shape = run.data.images.images.shape[1:]
    like = jax.eval_shape(lambda: diffusion_train.init_state(run.settings.train, run.unet, shape))
    state = checkpoint.restore(run.workdir / "diffusion" / "checkpoints", like)
    sampler = generate.Sampler(
        run.settings.generate,
        run.unet,
        run.schedule,
        run.settings.train.prediction,
        state.ema,
        shape,
    )
    generate.generate(
        sampler,
        run.settings.generate,
        run.data.images.class_names,
        run.settings.per_class,
        checkpoint.digest(state),
        run.workdir / "synthetic",
    )


def _classify(run: Run) -> None:
    training_sets = {"synthetic": lambda: run.synthetic, "real": lambda: run.parts.fit}
    for cell in run.cells:
        cross_validate.cross_validate(
            run.programs_of(cell.backbone),
            run.settings.classifier,
            cell,
            run.resize(training_sets[cell.arm]()),
            run.workdir / "classify",
        )


def _trained(run: Run, cell: dict[str, Any], fold: int) -> tuple[dict[str, Any], Any]:
    """A fold's result.json, and its predict function u8[N,S,S,C] -> f32[N,K]."""
    folder = cross_validate.fold_folder(run.workdir / "classify", cross_validate.Cell(**cell), fold)
    programs = run.programs_of(cell["backbone"])
    variables = cross_validate.load_variables(programs, folder)
    result = runlog.read_json(folder / "result.json")
    return result, functools.partial(programs.predict, variables)


def _evaluate(run: Run) -> None:
    directory = run.workdir / "evaluate"
    real_test.evaluate_cells(
        run.split_path,
        run.data.images,
        run.resize,
        [dataclasses.asdict(cell) for cell in run.cells],
        run.settings.classifier.folds,
        functools.partial(_trained, run),
        directory,
        {"dataset": run.settings.data.name, "seed": run.settings.classifier.seed},
    )
    summary = memorisation.distance_summary(
        run.synthetic, run.parts.val, run.parts.fit, run.settings.augmentation.flips
    )
    runlog.write_json(directory / "fidelity.json", summary)


def _best(run: Run) -> dict[str, Any]:
    return runlog.read_json(run.workdir / "evaluate" / "metrics.json")["best"]


def _explain(run: Run) -> None:
    best = _best(run)
    cell = {name: best[name] for name in ("backbone", "arm", "n", "ratio", "seed")}
    _, predict = _trained(run, cell, best["fold"])
    gallery.explain_sets(
        run.settings.explain,
        run.split_path,
        run.data.images,
        run.synthetic,
        run.resize,
        predict,
        best,
        run.workdir / "explain",
    )


def _report(run: Run) -> None:
    html.write_report(run.workdir, run.parts.fit, run.synthetic)


def _cell_names(run: Run) -> list[str]:
    return [cell.path for cell in run.cells]


def _report_cells(run: Run) -> list[str]:
    """The report is made anew when a file that it shows has changed."""
    sha = hashlib.sha256()
    for name in ("evaluate/metrics.json", "evaluate/fidelity.json", "explain/lime.json"):
        path = run.workdir / name
        sha.update(path.read_bytes() if path.exists() else b"absent")
    return [sha.hexdigest()]


STAGES: dict[str, Stage] = {
    "split": Stage(
        _split,
        fields=("data.", "split."),
        ignored=("data.dir", "data.cache_dir"),
    ),
    "diffusion": Stage(
        _diffusion,
        fields=("diffusion.",),
        ignored=(
            "diffusion.train.log_every",
            "diffusion.train.val_every",
            "diffusion.train.save_minutes",
        ),
        inputs=("split",),
    ),
    "generate": Stage(
        _generate,
        fields=("generate.",),
        ignored=("generate.per_class", "generate.block"),
        inputs=("diffusion",),
        cells=lambda run: [f"{run.settings.per_class} a class"],
    ),
    "classify": Stage(
        _classify,
        fields=("classifier.",),
        ignored=("classifier.backbones", "classifier.backbone", "classifier.arms"),
        inputs=("split", "generate"),
        cells=_cell_names,
    ),
    "evaluate": Stage(_evaluate, fields=(), inputs=("split", "classify"), cells=_cell_names),
    "explain": Stage(
        _explain,
        fields=("explain.",),
        ignored=("explain.batch_size",),
        inputs=("evaluate",),
        cells=lambda run: ["{backbone}/{arm}/{n}-{ratio}-s{seed}/{fold}".format(**_best(run))],
    ),
    "report": Stage(_report, fields=(), inputs=("evaluate",), cells=_report_cells),
}


def fingerprint(run: Run, name: str) -> workdir.Fingerprint:
    """What the stage's output depends on, under the run's settings."""
    stage = STAGES[name]
    fields = {
        field: value
        for field, value in run.settings.fields.items()
        if field.startswith(stage.fields or ("\0",)) and field not in stage.ignored
    }
    used = {upstream: fingerprint(run, upstream).digest for upstream in stage.inputs}
    if name == "split":
        used["data_hash"] = run.data.data_hash
    return workdir.Fingerprint(fields, used)


def run(config: ConfigDict, directory: pathlib.Path, only: Sequence[str] = ()) -> None:
    """Runs the stages that are not finished, in order.

    Args:
      config: from configs/.
      directory: the workdir.
      only: names of stages; empty: all.

    Raises:
      UserError: bad settings, data or workdir; nothing that was computed is lost.
    """
    settings = settings_module.from_config(config)
    for name in only:
        checks.one_of("--stages", name, STAGES)
    parallel.set_up_devices(settings.cpu_devices)
    _check_accelerator(settings.scale)
    _keep_compiled_programs()
    run = Run(settings, directory)
    for name in STAGES:
        workdir.check(directory, name, fingerprint(run, name))
    runlog.write_json(directory / "config.json", config.to_dict())
    for name in STAGES:
        if not only or name in only:
            _run_stage(run, name)


def _run_stage(run: Run, name: str) -> None:
    stage = STAGES[name]
    for upstream in stage.inputs:
        marker = workdir.read_marker(run.workdir, upstream)
        if not marker or marker["status"] != "finished":
            raise UserError(f"stage {name!r} needs {upstream!r}, which is not finished: run it too")
    cells = stage.cells(run)
    if workdir.is_finished(run.workdir, name, cells):
        print(f"{name}: finished, nothing to do", flush=True)
        return
    print(f"{name} ...", flush=True)
    own = fingerprint(run, name)
    workdir.mark(run.workdir, name, "started", own, cells)
    started = time.monotonic()
    status = "stopped"
    try:
        stage.run(run)
        workdir.mark(run.workdir, name, "finished", own, cells)
        status = "finished"
    finally:
        _record(run, name, status, time.monotonic() - started)
    print(f"{name}: done in {time.monotonic() - started:.0f} s", flush=True)


def _record(run: Run, name: str, status: str, seconds: float) -> None:
    """Adds a stage to run.json."""
    path = run.workdir / "run.json"
    before = runlog.read_json(path) if path.exists() else {}
    timings = before.get("stages", {})
    timings[name] = {
        "status": status,
        "seconds": round(timings.get(name, {}).get("seconds", 0.0) + seconds, 1),
        "peak_memory_mib": runlog.peak_memory_mib(),
    }
    seeds = {field: v for field, v in run.settings.fields.items() if field.endswith("seed")}
    data = {
        "name": run.settings.data.name,
        "hash": run.data.data_hash,
        "num_images": len(run.data.images),
        "unreadable": list(run.data.unreadable),
    }
    runlog.write_json(
        path, {**runlog.describe_run(), "seeds": seeds, "data": data, "stages": timings}
    )


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
