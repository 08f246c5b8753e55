"""A fabricated workdir: every file that the report reads, by the constructors that a run uses.

It is tiny, and its numbers differ from one another, so that a mixed-up field is seen.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image

from configs import base
from synthmed_jax import best_cells, verdicts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.files import read_json, write_bytes, write_json
from synthmed_jax.metrics_log import MetricsLog
from synthmed_jax.report.files import Contents, read_contents
from synthmed_jax.report.html import write_report
from synthmed_jax.report.training_logs import EpochRecord, StepRecord
from synthmed_jax.results.cells import Cell, Choice, FoldResult, InitialWeights, SetScores
from synthmed_jax.results.evaluation import (
    BestNetwork,
    CellDifference,
    CellScores,
    DeclaredDifference,
    Ensemble,
    Evaluation,
    FoldScores,
    Quality,
    Scores,
    Tempered,
)
from synthmed_jax.results.explanations import (
    Alarm,
    Comparison,
    EngineAgreement,
    Evaluations,
    ImageExplanation,
    LimeSummary,
    NearestAgreement,
    Page,
    Stability,
    Summary,
    TwoSampleRow,
)
from synthmed_jax.results.external import External, Shared
from synthmed_jax.results.fidelity import BitsPerDimension, Fidelity, NearestImage
from synthmed_jax.results.floors import MAJORITY, Floor, Floors
from synthmed_jax.results.generator import GeneratorEnd
from synthmed_jax.results.memorisation import AuditMemorisation
from synthmed_jax.results.run_info import DataFacts, RunInfo, StageRecord
from synthmed_jax.results.split import PartCounts, SplitEntry, SplitFile
from synthmed_jax.statistics.agreement import HalvesAgreement
from synthmed_jax.statistics.calibration import CalibrationError
from synthmed_jax.statistics.group_bootstrap import GroupEstimate
from synthmed_jax.statistics.intervals import Estimate, accuracy_interval

CLASS_NAMES = ("Benign", "Early", "Pre")
NUM_TEST, NUM_VAL = 60, 4  # of all classes; per class
FOLDS = 3
CELLS = (
    Cell("resnet18", "synthetic", 500, np.inf, 0),
    Cell("vgg16", "synthetic", 500, np.inf, 0),
    Cell("resnet18", "real", None, 0.0, 0),
)
SCORES = (
    Scores(0.1, 0.98, 0.21, 0.97, 0.7, 0.869, 0.81, 0.82, 0.83, 0.8),
    Scores(0.3, 0.94, 0.25, 0.93, 0.9, 0.861, 0.71, 0.72, 0.73, 0.74),
    Scores(0.02, 0.991, 0.11, 0.992, 0.4, 0.953, 0.951, 0.952, 0.954, 0.955),
)


# Of an audit that has judged no release.
MEMORISATION = AuditMemorisation(
    verdict=verdicts.Copies.NOT_FOUND,
    why="",
    seed=0,
    flips="none",
    num_synthetic=400,
    num_fit=300,
    num_left_out=0,
    detectors=(),
    copied=None,
    copied_strictly=None,
    excess=None,
    p_excess=None,
    p=None,
    fit_copied=None,
    classes={},
    holes=(),
    closest=(),
)


@dataclasses.dataclass
class Fabricated:
    """A finished run: its folder, its images, and the cells that it asks for."""

    workdir: pathlib.Path
    fit: ImageSet
    synthetic: ImageSet
    cells: tuple[Cell, ...] = CELLS

    def path(self, name: str) -> pathlib.Path:
        return self.workdir / name

    def contents(self) -> Contents:
        return read_contents(self.workdir, self.cells)

    def report(self) -> None:
        write_report(self.workdir, self.cells, self.fit, self.synthetic)

    def configure(self, block: str, **fields: object) -> None:
        """Changes fields of the resolved config."""
        config = read_json(self.path("config.json"))
        config[block] |= fields
        write_json(self.path("config.json"), config)


def image_set(
    class_names: Sequence[str], per_class: int, folder: str, channels: int = 3, size: int = 8
) -> ImageSet:
    rng = np.random.default_rng(len(folder))
    labels = np.repeat(np.arange(len(class_names), dtype=np.int32), per_class)
    images = rng.integers(0, 256, (len(labels), size, size, channels), np.uint8)
    files = tuple(f"{folder}/{class_names[label]}/{i}.png" for i, label in enumerate(labels))
    return ImageSet(images, labels, files, tuple(class_names))


def cell_scores(cell: Cell, mean: Scores, class_names: Sequence[str]) -> CellScores:
    """Folds whose scores have this mean, and a spread of their own each; the second is the best."""
    names, num_classes = [field.name for field in dataclasses.fields(Scores)], len(class_names)
    folds = []
    for fold, away in enumerate((2, -3, 1)):
        values = {name: getattr(mean, name) + 0.001 * i * away for i, name in enumerate(names, 1)}
        values["test_accuracy"] = mean.test_accuracy + 0.01 * (fold - 1)
        confusion = np.full((num_classes, num_classes), fold, int)
        np.fill_diagonal(confusion, NUM_TEST // num_classes - (num_classes - 1) * fold)
        matrix = tuple(tuple(row) for row in confusion.tolist())
        folds.append(FoldScores(**values, fold=fold, confusion=matrix))
    std = {name: np.std([getattr(f, name) for f in folds], ddof=1).item() for name in names}
    interval = dataclasses.replace(
        accuracy_interval(mean.test_accuracy, NUM_TEST),
        low=mean.test_accuracy - 0.031,
        high=mean.test_accuracy + 0.027,
    )
    return CellScores(
        **dataclasses.asdict(cell),
        folds=tuple(folds),
        mean=mean,
        std=Scores(**std),
        accuracy_interval=interval,
        quality=Quality(
            recalls={name: 0.61 + 0.03 * i for i, name in enumerate(class_names)},
            auroc=0.9431,
            brier=0.2312,
            calibration=CalibrationError(0.0813, 0.0324, 0.0655),
            tempered=Tempered(1.37, 0.617, CalibrationError(0.0411, 0.0325, 0.0202)),
            prior_corrected_accuracy=0.878,
            ensemble=Ensemble(0.55, 0.891, 0.885, 0.884, 0.2107),
        ),
    )


def group_estimate(mean: float, half: float, num_groups: int = NUM_TEST) -> GroupEstimate:
    return GroupEstimate(mean, mean - half, mean + half, 0.95, half / 2, num_groups, 1.4 * half)


def floors() -> Floors:
    """Of the real arm, the histogram is not beaten; of the synthetic arm all are."""
    features = (MAJORITY, "pixels", "histogram", "thumbnail", "ring", "low_frequencies")
    found = []
    for arm, ahead in (("real", 0.01), ("synthetic", 0.2)):
        for i, name in enumerate(features):
            accuracy, behind = 0.401 + 0.05 * i, ahead + 0.05
            if (arm, name) == ("real", "histogram"):
                accuracy, behind = 0.979, -0.021
            estimate = group_estimate(behind, 0.04)
            found.append(Floor(name, arm, 12, accuracy, accuracy - 0.068, estimate))
    return Floors(8, 300, 0, "image", tuple(found))


def evaluation(class_names: Sequence[str]) -> Evaluation:
    pairs = zip(CELLS, SCORES, strict=True)
    cells = tuple(cell_scores(cell, mean, class_names) for cell, mean in pairs)
    # Of the balanced accuracies: 80.0 against 95.5 %.
    compared = CellDifference(
        CELLS[0],
        CELLS[2],
        group_estimate(-0.155, 0.031),
        "image",
        0.0011,
        Estimate(3, -0.155, 0.01, -0.21, -0.1),
    )
    declared = DeclaredDifference(
        **{field.name: getattr(compared, field.name) for field in dataclasses.fields(compared)},
        estimand="D1",
        limit=-0.02,
        p_above=0.9971,
        p_adjusted=1.0,
    )
    return Evaluation(
        dataset="leukemia",
        seed=0,
        class_names=tuple(class_names),
        num_test=NUM_TEST,
        cells=cells,
        best=best_cells.network(cells),
        declared=(declared,),
        differences=(compared,),
    )


def fidelity(fit: ImageSet, synthetic: ImageSet) -> Fidelity:
    return Fidelity(
        distance="root mean square difference",
        flips="dihedral",
        num_fit=len(fit),
        num_val=NUM_VAL * len(fit.class_names),
        num_synthetic=len(synthetic),
        median_synthetic=0.11,
        median_val=0.12,
        ratio=0.917,
        synthetic=tuple(
            NearestImage(file, fit.files[i % len(fit)], 0.05 + 0.002 * i)
            for i, file in enumerate(synthetic.files)
        ),
        bits_per_dimension={"all": BitsPerDimension(3.21, 0.0012, 2.23, 0.98, 0.05, 11)},
    )


def estimate(mean: float, n: int = 9) -> Estimate:
    return Estimate(n, mean, mean / 10, mean - 0.11, mean + 0.09)


NO_ESTIMATE = Estimate(0, None, None, None, None)
ALARM = Alarm("Benign", "corners", Estimate(9, 3.21, 0.5, 2.9, 3.6))


def summary(means: Iterator[float]) -> Summary:
    """Numbers of all methods; each mean is a new one."""
    numbers = ("border", "corners", "deletion_gain", "foreground", "insertion_gain")
    methods = {
        method: {name: estimate(next(means)) for name in numbers}
        for method in ("lime", "occlusion", "grad_cam")
    }
    for name in ("r2", "rank_correlation", "top_overlap"):
        methods["lime"][name] = estimate(next(means))
    methods["lime"]["lesion"] = NO_ESTIMATE
    return methods


def lime(best: BestNetwork, fit: ImageSet, pages: tuple[Page, ...]) -> LimeSummary:
    """A run's explanations: the first class of real images is explained by the corners."""
    names = fit.class_names
    means = itertools.count(0.5, 0.001)
    alarm = dataclasses.replace(ALARM, class_name=names[0])
    summaries = {
        kind: {name: summary(means) for name in (*names, "all classes")}
        for kind in ("real", "synthetic")
    }
    summaries["real"][names[0]]["lime"]["corners"] = alarm.share
    image = ImageExplanation(
        kind="synthetic",
        file=f"{names[0]}/00000.png",
        label=names[0],
        predicted=names[1],
        roles=("surest wrong",),
        sampled=True,
        probabilities={name: (i + 1) / 10 for i, name in enumerate(names)},
        weights=(0.2, -0.1),
        standard_errors=(0.01, 0.02),
        r2=0.64,
        stability=Stability(0.9, 0.6),
        numbers={"lime": {"border": 1.1, "corners": None}},
        nearest=fit.files[0],
        num_samples=257,
        relative_error=0.07,
    )
    return LimeSummary(
        model=best,
        engine="jax",
        num_samples=400,
        sampling="balanced",
        control="logistic",
        segmentation="slic",
        regions=55,
        seed=5,
        images_per_class=7,
        repeats=2,
        summary=summaries,
        comparison=Comparison(
            tests=(
                TwoSampleRow(names[0], "border", 9, 8, 0.5, 0.6, 0.55, 0.5, 0.6),
                TwoSampleRow(names[0], "deletion_gain", 9, 8, 0.125, 0.25, 0.875, 0.001, 0.012),
            ),
            places={names[0]: HalvesAgreement(0.91, 0.83, 0.77, 4), names[1]: None},
        ),
        nearest=NearestAgreement(estimate(0.61, 17), estimate(0.32, 17)),
        alarms={"real": (alarm,), "synthetic": ()},
        check=EngineAgreement(6, 2e-17, 0.02),
        pages=pages,
        images=(image,),
        precision=0.08,
        evaluations=Evaluations(explanations=3, total=914, median=257.0, most=400, imprecise=1),
    )


def split_file(fit: ImageSet) -> SplitFile:
    per_class = len(fit) // len(fit.class_names)
    tested = NUM_TEST // len(fit.class_names)
    counts = PartCounts(per_class + NUM_VAL + tested, per_class, NUM_VAL, tested)
    names = [fit.class_names[label] for label in fit.labels]
    return SplitFile(
        rule="fit + val: ceil(0.2 n) images per class, seed 17",
        seed=17,
        data_hash="abc",
        class_names=fit.class_names,
        counts=dict.fromkeys(fit.class_names, counts),
        unreadable=("broken.png",),
        fit=tuple(SplitEntry(file, name) for file, name in zip(fit.files, names, strict=True)),
        val=(),
    )


def run_info(split: SplitFile) -> RunInfo:
    total = sum(count.total for count in split.counts.values())
    return RunInfo(
        command="main.py --config=configs/all_ddpm.py:cpu",
        started="2026-01-02T03:04:05+0000",
        commit="0123456789ab",
        python="3.11.7",
        versions={"jax": "0.10.2"},
        devices=("cpu:cpu", "cpu:cpu"),
        cpu="a processor",
        cpu_affinity=(0, 1),
        seeds={"split.seed": 17, "diffusion.train.seed": 3},
        data=DataFacts("leukemia", split.data_hash, total, split.unreadable),
        stages={
            "split": StageRecord("finished", 0.4, 310.2),
            "diffusion": StageRecord("finished", 3723.0, 1843.7, 3600.0),
        },
    )


def fold_result(fold: int) -> FoldResult:
    """The result of one training; the images that it saw differ from fold to fold."""

    def choice(epoch: int, on_real_val: float) -> Choice:
        return Choice(
            epoch, {"fold": SetScores(0.31, 0.9), "real_val": SetScores(0.41, on_real_val)}
        )

    return FoldResult(
        best_epoch=8,
        train_loss=0.12,
        train_accuracy=0.985,
        val_loss=0.22,
        val_accuracy=0.975,
        epochs=10,
        stopped="max_epochs",
        choices={"fold": choice(8, 0.5 + 0.1 * fold), "real_val": choice(5, 0.75)},
        passes_per_epoch=2,
        steps=840,
        selected_by="fold",
        batch_size=32,
        initial=InitialWeights("random"),
        num_train=1333 + fold,
        num_val=667,
        seconds=42.0,
        images_per_second=640.0,
    )


def epoch_records(fold: int) -> list[EpochRecord]:
    return [
        EpochRecord(e, 1 / e, 1 - 0.6 / e, 1.1 / e + 0.02 * fold, 0.98 - 0.6 / e)
        for e in range(1, 9)
    ]


def write_fold(folder: pathlib.Path, fold: int) -> None:
    log = MetricsLog(folder / "metrics.jsonl")
    for record in epoch_records(fold):
        log.write(**dataclasses.asdict(record), fold_loss=0.3, seconds=4.2)
    fold_result(fold).write(folder / "result.json")


def step_records() -> list[StepRecord]:
    records = [
        StepRecord(s, loss=1 / (1 + s / 50), images_per_second=99.0, seconds=1.5)
        for s in range(10, 2000, 10)
    ]
    records += [
        StepRecord(s, val_loss=1.1 / (1 + s / 50), half_life=500, val_losses=(0.3, 0.2))
        for s in range(100, 2000, 100)
    ]
    return sorted(records, key=lambda record: record.step)


END = GeneratorEnd(600, 250, 0.1234, 1.04, 900, "all 900 steps were taken", "e" * 64)


def write_generator(folder: pathlib.Path, end: GeneratorEnd | None = END) -> None:
    log = MetricsLog(folder / "metrics.jsonl")
    for record in step_records():
        log.write(**{k: v for k, v in dataclasses.asdict(record).items() if v is not None})
    if end is not None:
        end.write(folder / "best.json")


def write_page(workdir: pathlib.Path, fit: ImageSet, picture: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(fit.images[0, ..., 0])).resize((160, 160)).save(buffer, "PNG")
    write_bytes(workdir / picture, buffer.getvalue())


def fabricate(workdir: pathlib.Path, fit: ImageSet, synthetic: ImageSet) -> Fabricated:
    """Writes a finished run with these images; returns it."""
    names, split, results = fit.class_names, split_file(fit), evaluation(fit.class_names)
    config = base.get_config("cpu").to_dict()
    config["data"]["name"] = "leukemia"
    config["classifier"] |= {"seeds": 0, "selection": "synthetic"}
    write_json(workdir / "config.json", config)
    run_info(split).write(workdir / "run.json")
    test = [{"file": "secret/test-image.png", "label": names[0]}]
    write_json(workdir / "split" / "split.json", {**split.to_document(), "test": test})
    write_generator(workdir / "diffusion")
    for cell in CELLS:
        for fold in range(FOLDS):
            write_fold(cell.folder(workdir / "classify", f"fold{fold}"), fold)
    results.write(workdir / "evaluate" / "metrics.json")
    floors().write(workdir / "evaluate" / "floors.json")
    fidelity(fit, synthetic).write(workdir / "evaluate" / "fidelity.json")
    pages = tuple(
        Page(f"explain/{file}{label}.png", name, shows)
        for shows, file in (("roles", "class"), ("nearest", "nearest"))
        for label, name in enumerate(names)
    )
    for page in pages:
        write_page(workdir, fit, page.picture)
    lime(results.best, fit, pages).write(workdir / "explain" / "lime.json")
    return Fabricated(workdir, fit, synthetic)


def three_classes(workdir: pathlib.Path) -> Fabricated:
    fit = image_set(CLASS_NAMES, 4, "fit")
    return fabricate(workdir, fit, image_set(CLASS_NAMES, 7, "synthetic"))


@pytest.fixture
def fabricated(tmp_path: pathlib.Path) -> Fabricated:
    return three_classes(tmp_path / "run")


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Fabricated:
    """A fabricated run with its report; for reading only."""
    made = three_classes(tmp_path_factory.mktemp("reported") / "run")
    made.report()
    return made


@pytest.fixture(scope="session")
def contents(reported: Fabricated) -> Contents:
    """What the report has read of that run."""
    return reported.contents()


@pytest.fixture
def external(contents: Contents) -> External:
    """What two of its networks score on another tree, which has no image of one class."""
    evaluation = contents.evaluation
    assert evaluation is not None
    bare = dataclasses.replace(
        evaluation.cells[1],
        std=None,
        quality=dataclasses.replace(
            evaluation.cells[1].quality, recalls={"Benign": None, "Early": 1.0, "Pre": 0.5}
        ),
    )
    return External(
        digest="abc",
        class_names=evaluation.class_names,
        classes={"Benign": "healthy", "Early": "Early", "Pre": "-"},
        counts={"Benign": 4, "Early": 2, "Pre": 0},
        left_out={"unreadable": 2},
        note="Grey is grey.",
        shared=Shared(0, 0, 0, 0, 0.95),
        cells=(evaluation.cells[0], bare),
        differences=evaluation.differences,
        floors=Floors(4, 300, 0, "image", (Floor("low_frequencies", "real", 9, 0.5, 0.625),)),
    )


@pytest.fixture
def hostile(tmp_path: pathlib.Path) -> Fabricated:
    """A run whose class names are markup."""
    names = ("$a_{b", "<b>x</b>", "<img src=x onerror=alert(1)>", "pipe|and`tick")
    fit = image_set(names, 3, "fit", channels=1)
    return fabricate(tmp_path / "run", fit, image_set(names, 4, "synthetic", channels=1))


@pytest.fixture
def of_many_scripts(tmp_path: pathlib.Path) -> Fabricated:
    """A run whose class names hold letters that matplotlib's own font has not, and marks."""
    names = ("Müller & Söhne <b>x", "良性肿瘤", "ورم", "a,b=c", "$x_1$ % #")
    fit = image_set(names, 3, "fit", channels=1)
    return fabricate(tmp_path / "run", fit, image_set(names, 4, "synthetic", channels=1))
