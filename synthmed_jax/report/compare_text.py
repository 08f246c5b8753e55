"""What may be said of runs that stand side by side, and what may not."""

from __future__ import annotations

import shlex

from synthmed_jax.report.conclusions import TRIAL_SCALE
from synthmed_jax.report.formats import n_is
from synthmed_jax.report.side_by_side import SideBySide
from synthmed_jax.report.wording import TRIAL

TITLE = "Runs side by side"
# Settings that are named in a sentence; more are counted.
_NAMED = 3


def paragraphs(side: SideBySide) -> tuple[str, ...]:
    """Returns how the runs differ, and how far their numbers can be held beside each other."""
    said = [
        f"{len(side.runs)} finished runs. Every number and verdict is of one run alone, by the "
        "rules of its report; no difference between runs was tested.",
        _images(side),
        f"{_settings(side)}{_programs(side)}",
        *(f"{run.name}: {TRIAL}" for run in side.runs if run.scale == TRIAL_SCALE),
    ]
    if side.seeds_alone:
        folders = ",".join(run.workdir for run in side.runs)
        said.append(
            "They are one experiment under several seeds. What holds over seeds, with intervals "
            "over images and seeds, is said by --stages=pool "
            f"{shlex.quote(f'--config.pool.workdirs={folders}')}"
        )
    return tuple(said)


def limits(side: SideBySide) -> tuple[str, ...]:
    """Returns what numbers that stand side by side can't say."""
    said = []
    if not side.same_data:
        said.append(
            "Numbers of different data are not comparable: a higher one may mean easier images, "
            "other classes or another number of them, not a better method."
        )
    elif not side.same_test:
        said.append(
            "Numbers of different test images are not strictly comparable: a part of every "
            "difference is which images were tested."
        )
    said += [
        "Whether two intervals overlap is no test of a difference. An interval is of one run's own "
        "test images: overlapping ones do not show that two runs are alike, and ones that do not "
        "overlap do not say why.",
        '"Shown" in one run and "not shown" in another is no difference between them: both may '
        "have nearly the same number on two sides of a line.",
        "Each run is one split, one generator and one set of networks. Under another seed the same "
        "settings give other numbers, and the intervals do not hold that.",
    ]
    if len(_reasons(side)) > 1:
        said.append(
            "Where runs differ in several things, what came out differently can't be put down to "
            "one of them."
        )
    said.append(
        "Many numbers stand here: some differ by chance alone. A run must not be chosen by its "
        "test results: the chosen one's are then too good."
    )
    return tuple(said)


def _images(side: SideBySide) -> str:
    if not side.same_data:
        names = ", ".join(dict.fromkeys(run.dataset for run in side.runs))
        return (
            f"The runs do not have the same real images (data: {names}): their numbers are not "
            "comparable with each other, only with those of the same run."
        )
    if side.same_test is None:
        return (
            "All runs have the same real images. Whether they are tested on the same of them is "
            "not known: a run has no evaluate/predictions.csv."
        )
    if not side.same_test:
        return (
            "All runs have the same real images, but divide them otherwise: they are tested on "
            "different ones."
        )
    return (
        "All runs have the same real images and are tested on the same of them "
        f"({n_is(side.runs[0].num_test)}), so that their test results are of the same images."
    )


def _settings(side: SideBySide) -> str:
    names = [f"config.{field.name}" for field in side.fields]
    if not names:
        return "They agree in all settings."
    if len(names) <= _NAMED:
        return f"Of all settings they differ in {_listed(names)}."
    return f"They differ in {len(names)} settings, which are listed below."


def _programs(side: SideBySide) -> str:
    commits = _commits(side)
    if len(commits) < 2:
        return ""
    return (
        f" Their last commands were given to different commits of the program "
        f"({', '.join(commits)}), which may count too."
    )


def _commits(side: SideBySide) -> list[str]:
    return list(dict.fromkeys(run.info.commit for run in side.runs if run.info is not None))


def _reasons(side: SideBySide) -> list[str]:
    """Things in which the runs differ, each of which may be why they came out differently."""
    reasons = [field.name for field in side.fields]
    return [*reasons, *(["commit"] if len(_commits(side)) > 1 else [])]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
