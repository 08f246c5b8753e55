"""What the templates print: tables and sentences, made from a run's files and nothing else."""

from typing import Any

from synthmed_jax.report import explanations, findings, provenance, wording
from synthmed_jax.report.files import Fold, Run, cell_path
from synthmed_jax.report.wording import n_is

TITLE = "Can synthetic images stand in for real ones?"
PARTS = ("total", "fit", "val", "test")


def build(run: Run) -> dict[str, Any]:
    """Returns the templates' variables, less the pictures."""
    metrics = run.metrics
    dataset = str(run.setting("data.name", metrics["dataset"] if metrics else "data"))
    return {
        "title": TITLE,
        "dataset": dataset,
        "subtitle": _subtitle(run, dataset),
        "answer": wording.answer(run),
        "tiles": tiles(run),
        "not_run": not_run(run),
        "distance_numbers": wording.distance_numbers(run),
        "distance_limits": wording.distance_limits(run),
        "results": result_rows(run),
        "result_columns": [heading for _, heading, _ in findings.COLUMNS],
        "results_caption": _results_caption(run),
        "selection_gap": wording.selection_gap(run),
        "best": _best(run),
        "explained": explanations.build(run.lime) if run.lime is not None else None,
        "generators": wording.generators(run),
        "limits": wording.limits(run),
        "parts": PARTS,
        "counts": [
            {"name": name, "numbers": [count[part] for part in PARTS]}
            for name, count in run.counts.items()
        ],
        "totals": [run.total(part) for part in PARTS],
        "split_caption": _split_caption(run),
        "protocol": provenance.protocol(run),
        "stages": provenance.stage_rows(run),
        "total_time": provenance.total_time(run),
        "facts": provenance.facts(run),
        "settings": provenance.settings(run.config),
    }


def _subtitle(run: Run, dataset: str) -> str:
    sizes = ", ".join(f"{part} {run.total(part)}" for part in PARTS[1:])
    return (
        f"Data set {dataset}: {n_is(run.total('total'))} images in "
        f"{len(run.class_names)} classes ({sizes})."
    )


def tiles(run: Run) -> list[dict[str, str]]:
    """Returns the largest numbers of the page: value, what it is, its n and uncertainty."""
    found = findings.headline(run)
    shown = []
    for arm in ("synthetic", "real"):
        if arm in found and run.metrics is not None:
            cell, n = found[arm], run.metrics["num_test"]
            detail = f"{wording.interval(cell)}; {len(cell['folds'])} folds, {n_is(n)} test images"
            label = f"right on real test images, trained on {wording.ARMS[arm]}"
            value = wording.percent(cell["mean"]["test_accuracy"])
            shown.append({"value": value, "label": label, "detail": detail})
    if "gap" in found:
        sign = "\N{MINUS SIGN}" if found["gap"] > 0 else "+"
        shown.append(
            {
                "value": f"{sign}{abs(100 * found['gap']):.1f}",
                "label": "percentage points, synthetic less real",
                "detail": "difference of the two means",
            }
        )
    if "distance_ratio" in found and run.fidelity is not None:
        detail = f"{n_is(run.fidelity['num_synthetic'])} synthetic, {run.fidelity['num_val']} val"
        label = "nearest distance over that of unseen real images; well under 1 hints at copies"
        value = f"{found['distance_ratio']:.2f}"
        shown.append({"value": value, "label": label, "detail": f"{detail} images"})
    return shown


def not_run(run: Run) -> dict[str, str]:
    """Returns, by section, the sentence that stands for what no stage has made yet."""
    missing = (
        (run.fidelity is None, "pairs", "evaluate", "no nearest real image"),
        (run.metrics is None, "results", "evaluate", "no result on the test images"),
        (run.lime is None, "lime", "explain", "no LIME picture"),
        (not run.diffusion, "diffusion", "diffusion", "no training curve of it"),
        (run.folds is None, "classify", "classify", "no training curve of them"),
    )
    return {
        section: wording.not_run(stage, loss) for absent, section, stage, loss in missing if absent
    }


def result_rows(run: Run) -> list[dict[str, Any]]:
    """Returns Table 2's row of every cell; each value as mean and standard deviation, texts."""
    if run.metrics is None:
        return []
    rows = []
    for cell in run.metrics["cells"]:
        values = []
        for key, _, share in findings.COLUMNS:
            mean, std = (cell[part].get(key) for part in ("mean", "std"))
            spread = "" if std is None else f"\N{PLUS-MINUS SIGN} {_number(std, share)}"
            values.append({"mean": _number(mean, share), "std": spread})
        trained_on = f"{cell['arm']}: {wording.amount(cell)}, seed {cell['seed']}"
        sizes = _sizes(run.folds_of(cell), len(cell["folds"]))
        rows.append(
            {
                "name": cell["backbone"],
                "trained_on": trained_on,
                "sizes": sizes,
                "values": values,
                "cell": cell_path(cell),
            }
        )
    return rows


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "\N{EN DASH}"
    return f"{100 * value:.1f}" if share else f"{value:.3f}"


def _sizes(folds: list[Fold], count: int) -> str:
    """Returns how many images each fold trained and validated on, as text."""
    texts = [f"{count} folds"]
    for key, name in (("num_train", "train"), ("num_val", "val")):
        sizes = sorted({fold.result[key] for fold in folds if key in fold.result})
        if sizes:
            texts.append(f"{name} {n_is('-'.join(map(str, sorted({sizes[0], sizes[-1]}))))}")
    return ", ".join(texts)


def _results_caption(run: Run) -> str:
    if run.metrics is None:
        return ""
    smoothing = run.setting("classifier.label_smoothing", 0.0)
    smoothed = (
        f" The train loss alone is taken against labels of which {smoothing:g} is spread over all "
        "classes: it can't reach 0, nor be compared with the other losses."
    )
    return (
        "Mean and standard deviation over folds (after \N{PLUS-MINUS SIGN}). Losses are "
        "cross-entropy in nats; accuracy, precision, recall and F1 are in %, the last three "
        f"averaged over the {len(run.class_names)} classes. Test columns, precision, recall and "
        f"F1: {n_is(run.metrics['num_test'])} real images, the same for every fold. "
        f"Train columns are on images of the row's own arm, val. columns on {_validated_on(run)}."
        + (smoothed if smoothing else "")
    )


def _validated_on(run: Run) -> str:
    if run.setting("classifier.selection", "synthetic") == "val":
        return f"the real val images ({n_is(run.total('val'))}), the same for every row"
    return "those of that arm that a fold leaves out"


def _best(run: Run) -> str:
    best = run.metrics.get("best") if run.metrics else None
    if not best:
        return "none was chosen"
    return (
        f"{best['backbone']} of the arm {best['arm']} ({wording.amount(best)}, seed "
        f"{best['seed']}), fold {best['fold']}; rule: {best['rule']}"
    )


def _split_caption(run: Run) -> str:
    return (
        "Numbers of images. fit: generator and classifiers learn from it; val: for choices; test: "
        f"opened by evaluation and explanation alone. Rule: {run.split['rule']}; seed "
        f"{run.split['seed']}."
    )
