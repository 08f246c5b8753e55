"""Says in plain sentences what the numbers mean, and what they cannot show.

Sentences hold no markup and no escaping: the templates see to that.
"""

from typing import Any

from synthmed_jax.report.files import Run
from synthmed_jax.report.findings import headline

NBSP = "\N{NO-BREAK SPACE}"
FEW_IMAGES = 50  # Fit images of a class under which the report warns.

ARMS = {
    "synthetic": "synthetic images only",
    "synthetic_filtered": "synthetic images less suspected copies",
    "real": "the real fit images",
    "real_augmented": "the real fit images, augmented",
    "mixed": "real fit and synthetic images",
}


def n_is(count: Any) -> str:
    """Returns "n = 60" in one piece: no line breaks inside it."""
    return f"n{NBSP}={NBSP}{count}"


def percent(share: float | None, digits: int = 1) -> str:
    """Returns 0.8694 as "86.9 %"; None as a dash."""
    return "\N{EN DASH}" if share is None else f"{100 * share:.{digits}f}{NBSP}%"


def points(difference: float) -> str:
    """Returns 0.1131 as "11.3 percentage points", without its sign."""
    return f"{abs(100 * difference):.1f} percentage points"


def duration(seconds: float | None) -> str:
    """Returns 192.4 as "3 min 12 s"."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 60:
        return f"{seconds:.1f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min"


def amount(cell: dict[str, Any]) -> str:
    """Returns how many images a class a cell was trained on, as text."""
    n = cell["n"]
    text = "all fit images" if n == "all" else f"{n} images a class"
    return f"{text}, {cell['ratio']} synthetic to 1 real" if cell["arm"] == "mixed" else text


def interval(cell: dict[str, Any]) -> str:
    """Returns "95 % interval 85.1 % to 88.5 %" of a cell's test accuracy."""
    found = cell["accuracy_interval"]
    return (
        f"{percent(found['level'], 0)} interval {percent(found['low'])} to {percent(found['high'])}"
    )


def accuracy(cell: dict[str, Any]) -> str:
    """Returns a cell's test accuracy with its spread, interval and number of folds."""
    mean, std = (cell[key]["test_accuracy"] for key in ("mean", "std"))
    if std is None:
        return f"{percent(mean)} (one fold; {interval(cell)})"
    return (
        f"{percent(mean)} \N{PLUS-MINUS SIGN}{NBSP}{percent(std)} (mean and standard deviation of "
        f"{len(cell['folds'])} folds; {interval(cell)})"
    )


def not_run(stage: str, loss: str) -> str:
    """Returns the sentence that stands for a section whose stage has not run."""
    return f"The stage {stage} has not run in this workdir, so there is {loss} here."


def answer(run: Run) -> list[str]:
    """Returns the opening paragraphs, the shortest answer first: what the run found."""
    if run.metrics is None:
        return [not_run("evaluate", "no answer")]
    found, num_test = headline(run), run.metrics["num_test"]
    said = []
    if "synthetic" in found:
        cell = found["synthetic"]
        said.append(
            f"A {cell['backbone']} that has seen only synthetic images ({amount(cell)}) is right "
            f"on {accuracy(cell)} of {n_is(num_test)} real test images, which neither it nor the "
            f"generator ever saw. Guessing would be right on "
            f"{percent(1 / len(run.class_names))}."
        )
    else:
        said.append("No classifier was trained on synthetic images alone.")
    if "real" in found:
        cell = found["real"]
        same = "synthetic" in found and found["synthetic"]["backbone"] == cell["backbone"]
        network = "The same network" if same else f"A {cell['backbone']}"
        said.append(
            f"{network} trained on the real images that the generator learned from "
            f"({n_is(run.total('fit'))}) is right on {accuracy(cell)} of the same test images."
        )
    else:
        said.append("No classifier was trained on the real images, so there is no comparison.")
    lead = [_gap(found)] if "gap" in found else []
    return [*lead, *said, distance_reading(run)]


def _gap(found: dict[str, Any]) -> str:
    synthetic, real = found["synthetic"], found["real"]
    low, high = sorted(
        (cell["accuracy_interval"] for cell in (synthetic, real)), key=lambda i: i["low"]
    )
    apart = low["high"] < high["low"]
    return (
        f"{percent(synthetic['mean']['test_accuracy'])} against "
        f"{percent(real['mean']['test_accuracy'])} right on real test images: training on "
        f"synthetic images instead of real ones {'costs' if found['gap'] > 0 else 'gains'} "
        f"{points(found['gap'])}. The two intervals "
        + (
            "do not overlap, so the choice of test images alone hardly explains the difference; "
            "the spread over folds is the other part of chance."
            if apart
            else "overlap, so this run alone cannot tell which is better."
        )
    )


def selection_gap(run: Run) -> str | None:
    """Returns what validation promised beside what the real test showed; None without it."""
    cell = headline(run).get("synthetic")
    if cell is None:
        return None
    val, test = cell["mean"]["val_accuracy"], cell["mean"]["test_accuracy"]
    if val is None:
        return None
    choices = [fold.result.get("choices", {}) for fold in run.folds_of(cell)]
    said = (
        f"During its training the {cell['backbone']} of the synthetic arm scored {percent(val)} "
        f"on validation images; on real test images it scores {percent(test)}. Validation was "
        f"{points(val - test)} too {'optimistic' if val > test else 'pessimistic'}."
    )
    if not choices or not all({"fold", "real_val"} <= set(of_fold) for of_fold in choices):
        return said
    by_fold, by_real = (
        sum(choice[by]["scores"]["real_val"]["accuracy"] for choice in choices) / len(choices)
        for by in ("fold", "real_val")
    )
    return (
        f"{said} The epochs that the lowest loss on left-out synthetic images chooses score "
        f"{percent(by_fold)} on the real val images ({n_is(run.total('val'))}); those that the "
        f"lowest loss on these images themselves would choose, {percent(by_real)} (means of "
        f"{len(choices)} folds)."
    )


def distance_reading(run: Run) -> str:
    """Returns what the ratio of nearest distances says, in plain words."""
    fidelity = run.fidelity
    if fidelity is None:
        return not_run("evaluate", "no measure of copying")
    if fidelity["ratio"] is None:
        return (
            "Whether the generator copied its training images was not measured against real "
            "images, since the val part is empty."
        )
    ratio = fidelity["ratio"]
    if ratio < 0.8:
        reading = (
            "they lie closer to the training images than unseen real images do, "
            "a sign that the generator repeats what it was shown"
        )
    elif ratio <= 1.25:
        reading = (
            "they lie about as far from the training images as unseen real images do, "
            "with no sign of wholesale copying"
        )
    else:
        reading = (
            "they lie farther from the training images than unseen real images do: no sign of "
            "wholesale copying, but they may not look quite like real ones"
        )
    return (
        f"The median distance of {n_is(fidelity['num_synthetic'])} synthetic images to their "
        f"nearest fit image is {ratio:.2f} times that of {n_is(fidelity['num_val'])} real "
        f"validation images: {reading}. That is no proof that none of them is a copy."
    )


def distance_numbers(run: Run) -> str:
    """Returns the medians behind the ratio, with their n."""
    fidelity = run.fidelity
    if fidelity is None:
        return ""
    medians = f"{fidelity['median_synthetic']:.3g} ({n_is(fidelity['num_synthetic'])})"
    if fidelity["ratio"] is None:
        return f"Median distance ({fidelity['distance']}) of synthetic images: {medians}."
    return (
        f"Median distance ({fidelity['distance']}) to the nearest of "
        f"{n_is(fidelity['num_fit'])} fit images: synthetic {medians}, real validation "
        f"images {fidelity['median_val']:.3g} ({n_is(fidelity['num_val'])}); ratio "
        f"{fidelity['ratio']:.2f}."
    )


def distance_limits(run: Run) -> str:
    """Returns what the nearest distance cannot show."""
    flips = (run.fidelity or {}).get("flips", "none")
    seen = "" if flips == "none" else f" (compared under {flips} flips too)"
    return (
        "A median says nothing about single images: a few copies can hide among many originals, "
        "so look at the closest pairs. A distance between pixels" + seen + " overlooks copies "
        "that are shifted, rotated or recoloured, and it is no proof that the images are safe to "
        "share."
    )


def generators(run: Run) -> list[str]:
    """Returns which weights the images were drawn from, why training ended, and their bits."""
    said = []
    for name, generator in run.diffusion.items():
        best = generator.best
        if best is None:
            continue
        of = f"Images of {name}" if name else "Images"
        chosen = (
            "the last; nothing was validated"
            if best["val_loss"] is None
            else f"the lowest validation loss, {best['val_loss']:.4f}"
        )
        text = (
            f"{of} are drawn from the average of the weights with a half-life of "
            f"{best['half_life']} steps at step {best['step']} ({chosen}). Training ended at step "
            f"{best['ended_at']}: {best['why']}."
        )
        bits = (run.fidelity or {}).get("bits_per_dimension", {}).get(name or "all")
        if bits:
            error = bits["standard_error"]
            spread = "" if error is None else f" \N{PLUS-MINUS SIGN} {error:.2f}"
            text += (
                f" The variational bound of {n_is(bits['num_images'])} val images is "
                f"{bits['total']:.2f}{spread} bits per dimension (mean and standard error): prior "
                f"{bits['prior']:.4f}, steps {bits['steps']:.2f}, decoder {bits['decoder']:.2f}."
            )
        said.append(text)
    return said


def limits(run: Run) -> list[str]:
    """Returns the warnings and caveats that this run needs."""
    said = []
    small = {name: c["fit"] for name, c in run.counts.items() if c["fit"] < FEW_IMAGES}
    if small:
        listed = ", ".join(f"{name} ({n_is(n)})" for name, n in small.items())
        said.append(
            f"Warning: under {FEW_IMAGES} fit images in {listed}. With so few, nothing can be "
            "concluded about the generator's variety or about copying in these classes."
        )
    if run.setting("split.group_by", "none") == "none":
        said.append(
            "The split is by image (split.group_by is none): images of one patient, or "
            "neighbouring slices of one scan, can lie in both the fit and the test part. Both "
            "arms' accuracies may then be too high for new patients."
        )
    if run.total("val") == 0:
        said.append(
            "The val part is empty (the paper's literal protocol): no choice was checked on "
            "real images before the test."
        )
    unreadable = len(run.split["unreadable"])
    if unreadable:
        said.append(f"Files left out as unreadable: {n_is(unreadable)}.")
    if run.metrics is not None:
        said.append(
            "Spread over folds is the spread of the classifier's training. It holds one "
            "generator, one synthetic set and one split; another seed of those may differ more."
        )
    said.append("Research software: nothing here is evidence for clinical use.")
    return said
