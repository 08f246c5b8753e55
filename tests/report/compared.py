"""Finished runs, fabricated on disk and in memory, that are set side by side."""

import dataclasses
import math

from synthmed_jax.files import write_json
from synthmed_jax.report.card import Card, Finding, Number, Tone
from synthmed_jax.report.side_by_side import ArmScore, ComparedRun, DifferingField, SideBySide
from synthmed_jax.results.audit import Comparison, Measured
from synthmed_jax.results.floors import Floor
from synthmed_jax.results.run_info import DataFacts, RunInfo, StageRecord
from synthmed_jax.results.split import PartCounts
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Interval
from tests.finished_runs import write_run


def write_compared(root, seed=0, *, config=None, **changes):
    """Writes a finished workdir with its config.json; arguments as of `write_run`."""
    write_run(root, seed, **changes)
    fields = {"scale": "cpu", "data": {"name": "drawn", "cache_dir": f"/cache/{root.name}"}}
    write_json(root / "config.json", fields | {"seed": seed} | (config or {}))
    return root


GAP = Number("synthetic less real", -0.03, -0.05, -0.01, 0.95, 60, "images", "-3.0", "-5.0 to -1.0")
NOT_SHOWN = Finding("", "not shown", "Not shown", Tone.OPEN, (GAP,), "Under 2.4 is missed.")
UNMEASURED = Finding("", "not measured", "Not measured", Tone.MISSING)
D1 = Card("D1", "Can they stand in?", (NOT_SHOWN,), ("More images.",), ("In full.",))
RELEASE = Card(
    "release",
    "Is it safe to share?",
    tuple(
        dataclasses.replace(NOT_SHOWN, about=about, words=words, tone=Tone.NO)
        for about, words in (("The images alone", "Copies found"), ("Both", "An attack succeeds"))
    ),
    (),
    (),
)
NO_RELEASE = Card("release", RELEASE.question, (UNMEASURED,), (), (), "The audit has not run.")
INFO = RunInfo(
    command="main.py",
    started="2026-01-02T03:04:05+0000",
    commit="c0ffee",
    python="3.11.7",
    versions={},
    devices=("cpu:cpu", "cpu:cpu"),
    cpu="A processor",
    cpu_affinity=(0, 1, 2),
    seeds={},
    data=DataFacts("drawn", "abc", 300, ()),
    stages={
        "split": StageRecord("finished", 5.25, 100.0),
        "diffusion": StageRecord("finished", 192.4, 100.0),
        "report": StageRecord("finished", 1000.0, 100.0),
    },
)
INTERVAL = Interval(0.752, 0.853, 0.95, "made up")
AHEAD = GroupEstimate(0.1, 0.06, 0.14, 0.95, 0.02, 60, 0.05)
FULL = ComparedRun(
    name="full",
    workdir="/runs/full",
    dataset="drawn",
    scale="cpu",
    seed=1,
    data_hash="d" * 64,
    test_hash="7" * 64,
    num_test=192,
    counts={"benign": PartCounts(120, 20, 4, 96), "malignant": PartCounts(125, 22, 5, 98)},
    answers={"D1": D1, "release": RELEASE},
    arms=(ArmScore("resnet18", "synthetic", 8, math.inf, 0, 1, 0.81, INTERVAL, 0.79),),
    floors=(Floor("ring", "real", 42, 0.71, 0.705, AHEAD),),
    nearness=0.987,
    fidelity=(
        Comparison(
            "kid",
            "handmade",
            "held_out",
            "",
            90,
            Measured(2.4, 1.9, 2.9),
            Measured(-0.01, -0.04, 0.02),
        ),
        Comparison("frechet", "histogram", "held_out", "", 90, Measured(9.0, 8.0, 10.0), None),
        Comparison("auroc_forest", "pixels", "fit", "", 4, None, None, "too few images"),
    ),
    info=INFO,
)
# Of a version that knew neither floors nor audit, and lost its run.json.
BARE = dataclasses.replace(
    FULL,
    name="bare",
    workdir="/runs/bare",
    seed=2,
    scale="",
    counts={"benign": PartCounts(10, 5, 2, 3)},
    answers={"release": NO_RELEASE},
    arms=(dataclasses.replace(FULL.arms[0], arm="real", n=None, trainings=5),),
    floors=(),
    nearness=None,
    fidelity=(),
    info=None,
)
SIDE = SideBySide(
    runs=(FULL, BARE),
    fields=(DifferingField("seed", {"full": 1, "bare": 2}), DifferingField("new", {"full": ""})),
    same_data=True,
    same_test=False,
    seeds_alone=False,
)
