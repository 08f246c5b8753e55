"""The command that repeats a run of the study."""

from __future__ import annotations

import collections
import importlib
from collections.abc import Iterator, Mapping

from benchmarks.study.runs import Design, Run
from synthmed_jax.diffusion.generate_settings import COPIES, OFF_CLASS
from synthmed_jax.evaluation.records import FILTER, LIME, SEED
from synthmed_jax.report import findings
from synthmed_jax.results.evaluation import Evaluation
from synthmed_jax.results.filtered import Filtered

# Name of a data set -> its config file.
CONFIGS = {
    "sarscov2_ct": "covid_ddpm",
    "leukemia": "all_ddpm",
    "brain_tumor_mri": "brain_ddpm",
    "phantom": "phantom_ddpm",
}
SCALE = "cpu"
_STAGES = (
    *("split", "diffusion", "generate", "filter", "audit", "classify", "evaluate", "explain"),
    *("report", "record"),
)


def command_of(design: Design) -> str:
    """Returns the command of the design's runs, `<seed>` and folders left open.

    What differs from the preset as it is now is given as options, so that the command stays right
    when a preset changes.
    """
    name = CONFIGS[design.dataset]
    preset = importlib.import_module(f"configs.{name}").get_config(SCALE)
    known = dict(_flat(preset.to_dict()))
    run = design.runs[0]
    evaluation = run.replicate.evaluation
    by_cell = collections.Counter(unit.rpartition("/training")[0] for unit in run.record.trainings)
    wanted = {
        # With folds, units are cells alone.
        "classifier.seeds": by_cell[evaluation.cells[0].path],
        "classifier.backbones": tuple(dict.fromkeys(cell.backbone for cell in evaluation.cells)),
        "classifier.arms": tuple(dict.fromkeys(cell.arm for cell in evaluation.cells)),
        **_amounts(evaluation),
        **_filter(run),
    } | {field: _as_preset(value) for field, value in design.field.items()}
    options = [
        f"--config.{field}={_text(value)}"
        for field, value in wanted.items()
        if field in known and field != SEED and value != _as_preset(known[field])
    ]
    return " ".join(
        (
            f"python main.py --config=configs/{name}.py:{SCALE} --config.data.dir=<folder>",
            "--workdir=<folder> --config.seed=<seed>",
            *options,
            f"--stages={','.join(_stages(design))}",
        )
    )


def _stages(design: Design) -> tuple[str, ...]:
    """All that a record needs, and those that not every run of the study has."""
    further = {"filter": FILTER, "explain": LIME}
    without = {
        stage
        for stage, written in further.items()
        if not any(written in run.record.documents for run in design.runs)
    }
    return tuple(stage for stage in _STAGES if stage not in without)


def _amounts(evaluation: Evaluation) -> dict[str, object]:
    """How many images per class were drawn, and the numbers of further cells."""
    curve = findings.amounts_curve(evaluation)
    numbers = sorted({cell.n for cell in curve if isinstance(cell.n, int)})
    if not numbers:
        return {}
    return {"generate.per_class": numbers[-1], "classifier.amounts": tuple(numbers[:-1])}


def _filter(run: Run) -> dict[str, object]:
    """What a filter left out, which no stage of the chain has as a field."""
    found = run.document(Filtered, FILTER)
    if found is None:
        return {}
    reasons = {COPIES: found.thresholds, OFF_CLASS: found.off_class}
    return {"generate.filter": ",".join(name for name, applied in reasons.items() if applied)}


def _as_preset(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value


def _text(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return f"{value[0]}," if len(value) == 1 else ",".join(map(str, value))


def _flat(block: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
