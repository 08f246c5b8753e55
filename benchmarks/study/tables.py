"""Tables of the study, a row per number and a column per seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from benchmarks.study import scores
from benchmarks.study.runs import DEVELOPMENT, Design, Run
from synthmed_jax.data.settings import FLIPS
from synthmed_jax.evaluation.replicates import Declared
from synthmed_jax.report import floor_tables
from synthmed_jax.report.formats import DASH, MINUS, duration, signed
from synthmed_jax.results.audit import FIT, FRECHET, HELD_OUT, AuditFidelity, Comparison
from synthmed_jax.results.fidelity_words import READING, REFERENCES, named
from synthmed_jax.results.floors import MAJORITY, Floors
from synthmed_jax.results.leakage import Leakage
from synthmed_jax.results.record import Made
from synthmed_jax.results.section import Row, Table
from synthmed_jax.results.without_duplicates import WithoutDuplicates

ARMS = {
    # Those of `synthmed_jax.arms`, in the words of this page.
    "real": "real fit images",
    "real_augmented": "real fit images, augmented",
    "real_repeated": "real fit images, each twice",
    "synthetic": "synthetic images alone",
    "mixed_1to1": "both, 1 to 1",
    "mixed_1to4": "both, 1 to 4",
    "synthetic_filtered": "synthetic images alone, filtered",
    "synthetic_shuffled": "synthetic images under shuffled labels",
}


def images_table(design: Design) -> Table:
    """How many images there are, and how many are linked across the parts."""
    rows = [
        row("fit images", design, _num_fit),
        row("val images", design, _num_val),
        row("images of one group are alike above a correlation of", design, _likeness),
        row("test images", design, lambda run: str(run.replicate.evaluation.num_test)),
        row("groups of test images", design, _groups),
        row("test images that fit or val has too", design, lambda run: _linked(run, "twins")),
        row(
            "test images with a near-duplicate in fit or val",
            design,
            lambda run: _linked(run, "near"),
        ),
    ]
    return table(design, rows, "Images of each split.")


def likeness(run: Run) -> float | None:
    """The correlation above which images count as near-duplicates; None: they were not sought."""
    leakage = run.document(Leakage, "split/leakage.json")
    return None if leakage is None or leakage.alike is None else leakage.alike.threshold


def _likeness(run: Run) -> str:
    found = likeness(run)
    return DASH if found is None or not _by_likeness(run) else f"{found:.3f}"


def _by_likeness(run: Run) -> bool:
    return run.record.fields["split.group_by"] == "near_duplicates"


def _num_fit(run: Run) -> str:
    floors = run.document(Floors, "evaluate/floors.json")
    of_real = [f.num_train for f in floors.floors if f.arm == "real"] if floors else []
    return str(max(of_real)) if of_real else DASH


def _num_val(run: Run) -> str:
    leakage = run.document(Leakage, "split/leakage.json")
    return DASH if leakage is None else str(leakage.num_val)


def augmentation_added(design: Design) -> str:
    """What real_augmented has beyond real: "warps", "flips and warps"; "" where nothing is."""
    field = design.field
    own, generators = (
        (str(field[f"{block}.flips"]), int(str(field[f"{block}.shift"])))
        for block in ("classifier", "diffusion")
    )
    more = {
        "flips": FLIPS.index(generators[0]) > FLIPS.index(own[0]),
        "larger shifts": generators[1] > own[1],
        "warps": float(str(field["classifier.warp"])) > 0,
    }
    return " and ".join(name for name, is_more in more.items() if is_more)


def _groups(run: Run) -> str:
    groups = run.replicate.groups
    return DASH if groups is None else str(len(set(groups.tolist())))


def _linked(run: Run, kind: str) -> str:
    leakage = run.document(Leakage, "split/leakage.json")
    if leakage is None or leakage.alike is None:
        return DASH
    alike = leakage.alike
    return str(alike.twins_held_out if kind == "twins" else alike.near_held_out)


def floors_table(design: Design) -> Table:
    """What needs no network: balanced accuracy on the test images."""
    of_runs = [scores.floors_of(run) for run in design.runs]
    rows = [
        (
            floor_tables.name_of(features)
            + ("" if features == MAJORITY else f", learned from {arm} images"),
            [of_run.get((features, arm)) for of_run in of_runs],
        )
        for features, arm in dict.fromkeys(key for of_run in of_runs for key in of_run)
    ]
    return with_means(design, rows, "Balanced accuracy on real test images, %.")


def arms_table(design: Design) -> Table:
    """What the network that the answers are about scores after each arm."""
    of_runs = [scores.headline(run) for run in design.runs]
    first = of_runs[0]
    rows = [
        (
            ARMS.get(arm, arm),
            [of_run[arm].mean.balanced_accuracy if arm in of_run else None for of_run in of_runs],
        )
        for arm in (*(arm for arm in ARMS if arm in first), *(a for a in first if a not in ARMS))
    ]
    cell = next(iter(first.values()))
    trainings = len(cell.folds)
    caption = (
        f"Balanced accuracy on real test images, %; {cell.backbone}, "
        f"{trainings} training{'s' if trainings > 1 else ''} per arm and seed."
    )
    more = augmentation_added(design)
    if more and design.field["classifier.augmented"] == "all":
        caption += f" Training images have {more} too, but for those of `real` and `real_repeated`."
    return with_means(design, rows, caption)


def differences_table(design: Design) -> Table:
    """D1 and D2 of each seed, and the arms that validation chose for them."""
    of_runs = [{each.name: each for each in run.replicate.declared} for run in design.runs]
    rows = []
    for name in dict.fromkeys(name for of_run in of_runs for name in of_run):
        found = [of_run.get(name) for of_run in of_runs]
        rows.append(Row(name, tuple(DASH if each is None else _points(each) for each in found)))
        rows.append(Row(f"arms of {name}", tuple(DASH if e is None else _arms(e) for e in found)))
    return table(
        design,
        rows,
        "Differences in percentage points with 95 % intervals over test images, and what was "
        "compared: where the question leaves several arms, the one of the lowest loss on `val`.",
    )


def _points(of: Declared) -> str:
    return f"{signed(of.estimate)} ({signed(of.low)} to {signed(of.high)})"


def _arms(of: Declared) -> str:
    return " less ".join(f"`{path.split('/')[1]}`" for path in (of.first, of.second))


def without_duplicates_table(design: Design) -> Table:
    """The same on the test images that no chain of near-duplicates links to fit or val."""
    rows = []
    found = [
        run.document(WithoutDuplicates, "evaluate/without_duplicates.json") for run in design.runs
    ]
    if all(each is None or each.num_new == each.num_test for each in found):
        return Table((), (), "")
    of_runs = []
    for run, each in zip(design.runs, found, strict=True):
        shown = {cell.path for cell in scores.headline(run).values()}
        cells = () if each is None else each.cells
        of_runs.append({cell.arm: cell.on_new for cell in cells if cell.path in shown})
    for arm in dict.fromkeys(arm for of_run in of_runs for arm in of_run):
        shares = [of_run.get(arm) for of_run in of_runs]
        rows.append(
            (
                ARMS.get(arm, arm),
                [None if share is None else share.balanced_accuracy for share in shares],
            )
        )
    counts = ", ".join(f"{each.num_new} of {each.num_test}" for each in found if each is not None)
    return with_means(
        design,
        rows,
        f"Balanced accuracy, %, on test images without a near-duplicate in fit or val ({counts}).",
    )


def fidelity_tables(design: Design) -> list[Table]:
    """How far synthetic images can be told from real ones, beside real from real."""
    audits = [run.document(AuditFidelity, "audit/fidelity.json") for run in design.runs]
    tables = []
    for against in (HELD_OUT, FIT):
        of_runs = [
            {
                (each.measure, each.features): each
                for each in (() if audit is None else audit.comparisons)
                if each.against == against and not each.class_name
            }
            for audit in audits
        ]
        keys = dict.fromkeys(key for of_run in of_runs for key in of_run if key[0] != FRECHET)
        rows = [
            Row(named(*key), tuple(_compared(of_run.get(key)) for of_run in of_runs))
            for key in keys
            if any(key in of_run and of_run[key].synthetic is not None for of_run in of_runs)
        ]
        sizes = sorted({each.num_images for of_run in of_runs for each in of_run.values()})
        if rows:
            tables.append(
                table(
                    design,
                    rows,
                    f"Synthetic against {REFERENCES[against]}, with its 95 % interval over "
                    "images; after the bar: real against real, which shows what is chance. "
                    f"Images per set: {', '.join(map(str, sizes))}. {READING}",
                )
            )
    return tables


def _compared(found: Comparison | None) -> str:
    if found is None or found.synthetic is None:
        return DASH
    of = found.synthetic
    text = f"{number(of.value)} ({number(of.low)} to {number(of.high)})"
    return text if found.real is None else f"{text} \\| {number(found.real.value)}"


def cost_table(design: Design) -> Table:
    """What the stages took, and where."""
    made = [run.record.made for run in design.runs]
    stages = dict.fromkeys(
        stage for each in made if each is not None for stage in each.seconds if stage != "record"
    )
    rows = [
        Row(
            stage,
            tuple(
                DASH if each is None or stage not in each.seconds else duration(each.seconds[stage])
                for each in made
            ),
        )
        for stage in stages
    ]
    rows += [
        Row("processor", tuple(DASH if each is None else each.cpu for each in made)),
        Row("commits of the program", tuple(_commits(each) for each in made)),
    ]
    return table(
        design,
        rows,
        "What each stage took, over all its sittings; other work may have run beside it.",
    )


def _commits(made: Made | None) -> str:
    if made is None:
        return DASH
    found = dict.fromkeys(commit for of_stage in made.commits.values() for commit in of_stage)
    # An earlier version kept the last command's alone.
    return ", ".join(found) if found else f"{made.commit} (of the last command)"


def row(name: str, design: Design, text: Callable[[Run], str]) -> Row:
    """A row of what each run says."""
    return Row(name, tuple(text(run) for run in design.runs))


def with_means(
    design: Design, rows: Iterable[tuple[str, Sequence[float | None]]], caption: str
) -> Table:
    """A table of shares, with the mean of the seeds that count in front where they are several.

    There is no mean where one of them has no share.
    """
    counts = [run.replicate.seed not in DEVELOPMENT for run in design.runs]
    several = sum(counts) > 1
    made = []
    for name, shares in rows:
        counted = [share for share, does in zip(shares, counts, strict=True) if does]
        mean = (mean_text(counted),) if several else ()
        made.append(Row(name, (*mean, *map(_percent, shares))))
    return Table((*(("mean",) if several else ()), *_seeds(design)), tuple(made), caption)


def mean_text(shares: Sequence[float | None]) -> str:
    """Returns the mean of shares of 1, in %; a dash where there are none or one lacks."""
    there = [share for share in shares if share is not None]
    is_whole = there and len(there) == len(shares)
    return _percent(sum(there) / len(there) if is_whole else None)


def table(design: Design, rows: Sequence[Row], caption: str) -> Table:
    """A table with a column per seed."""
    return Table(_seeds(design), tuple(rows), caption)


def _seeds(design: Design) -> tuple[str, ...]:
    seeds = [run.replicate.seed for run in design.runs]
    return tuple(f"seed {s}{' (watched)' if s in DEVELOPMENT else ''}" for s in seeds)


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f}"


def number(value: float) -> str:
    """Returns 0.347 as "0.35", a negative one with a minus sign."""
    return f"{value:.2f}".replace("-", MINUS)
