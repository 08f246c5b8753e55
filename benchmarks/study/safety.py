"""What the search for copies and the attacks say of the study's images and weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from benchmarks.study import scores, tables
from benchmarks.study.runs import Design, Run
from synthmed_jax import verdicts
from synthmed_jax.report.formats import DASH, percent
from synthmed_jax.results.membership import Membership
from synthmed_jax.results.memorisation import UNION, AuditMemorisation, Rate
from synthmed_jax.results.section import Table
from synthmed_jax.statistics.roc import AreaEstimate


def privacy_table(design: Design) -> Table:
    """What the search for copies and the attacks say; without rows where no run was audited."""
    if not any(map(scores.memorisation, design.runs)):
        return Table((), (), "")
    audits = [found for found in map(scores.memorisation, design.runs) if found is not None]
    of_copies: dict[str, Callable[[AuditMemorisation], str]] = {
        "flagged as copies": _flagged,
        "different `fit` images above the threshold that is taken from them": _above_threshold,
        **({"held-out images flagged": _held_out} if any(map(_of_union_held_out, audits)) else {}),
        **{
            f"found of planted copies: {change}": functools.partial(_found, change=change)
            for change in _changes(design)
        },
        "`fit` images nearest to a flagged one": _nearest,
    }
    rows = [
        tables.row(name, design, functools.partial(_copies, text=text))
        for name, text in of_copies.items()
    ]
    names = dict.fromkeys(
        attack.name
        for run in design.runs
        for membership in [run.document(Membership, "audit/membership.json")]
        if membership is not None
        for attack in membership.attacks
    )
    rows += [
        tables.row(f"attack by {name} (AUROC)", design, functools.partial(_attack, name=name))
        for name in names
    ]
    released = dict.fromkeys(
        release.released
        for run in design.runs
        for found in [scores.memorisation(run)]
        if found is not None
        for release in found.release
    )
    rows += [
        tables.row(f"release of {name}", design, functools.partial(_verdict, released=name))
        for name in released
    ]
    return tables.table(
        design,
        rows,
        "Flagged: with exact 95 % intervals over images. Images that are no copies are flagged "
        "too: about 1 % of the `fit` images that the threshold is taken from, and more of others "
        "([docs/measurements.md](docs/measurements.md)). Planted: `fit` images with one of ten "
        "changes; one that is found in fewer than 95 % is a hole. Copies of a tenth of the "
        "images are called found, however they are changed, and of fewer where they pass a "
        "stricter threshold than any image that is no copy should: among others, that takes copies "
        "that are nearly exact. An area of 0.5 is chance; in brackets, after an attack that finds "
        "nothing, the area that it would have found in 80 % of such samples. Behind it: members "
        "found at 1 and at 5 % false alarms, and the p value of the whole set. What longer "
        "training does to both is in [docs/privacy.md](docs/privacy.md)."
        + "".join(
            f" Seed {run.replicate.seed}: nothing is concluded about copies: {found.why}."
            for run in design.runs
            for found in [scores.memorisation(run)]
            if found is not None and found.why
        ),
    )


def _copies(run: Run, text: Callable[[AuditMemorisation], str]) -> str:
    found = scores.memorisation(run)
    return DASH if found is None else text(found)


def _flagged(found: AuditMemorisation) -> str:
    return found.verdict if found.copied is None else _rate(found.copied)


def _above_threshold(found: AuditMemorisation) -> str:
    of_union = (each.false_alarms for each in found.detectors if each.space == UNION)
    return next((_count(each) for each in of_union), DASH)


def _of_union_held_out(found: AuditMemorisation) -> Rate | None:
    return next((each.held_out for each in found.detectors if each.space == UNION), None)


def _held_out(found: AuditMemorisation) -> str:
    rate = _of_union_held_out(found)
    return DASH if rate is None else _rate(rate)


def held_out_flagged(run: Run) -> str:
    """How many held-out images the search of a run's audit flags."""
    return _copies(run, _held_out)


def _nearest(found: AuditMemorisation) -> str:
    return DASH if found.fit_copied is None else _count(found.fit_copied)


def _count(rate: Rate) -> str:
    """A count of images that are not drawn at random, which has no interval."""
    return f"{rate.hits} of {rate.n}"


def _changes(design: Design) -> list[str]:
    """The changes of planted copies, in their order."""
    found = filter(None, map(scores.memorisation, design.runs))
    return list(dict.fromkeys(change for each in found for change in _power(each)))


def _power(found: AuditMemorisation) -> Mapping[str, Rate]:
    return next((each.power for each in found.detectors if each.space == UNION), {})


def _found(found: AuditMemorisation, change: str) -> str:
    rate = _power(found).get(change)
    return DASH if rate is None else percent(rate.share)


def _attack(run: Run, name: str) -> str:
    membership = run.document(Membership, "audit/membership.json")
    attacks = () if membership is None else membership.attacks
    found = next((each for each in attacks if each.name == name), None)
    if found is None:
        return DASH
    text = f"{_area(found.area)}: {found.verdict}"
    if found.verdict == verdicts.Membership.NOT_FOUND:
        text += f" ({found.area.detectable:.2f})"
    hits = ", ".join(
        f"{100 * each.share:.0f} % at {100 * each.allowed:.0f} %" for each in found.hits
    )
    return f"{text}; {hits}; p {found.p_set:.1g}"


def _verdict(run: Run, released: str) -> str:
    found = scores.memorisation(run)
    releases = () if found is None else found.release
    return next((each.verdict for each in releases if each.released == released), DASH)


def _area(area: AreaEstimate) -> str:
    return f"{area.value:.2f} ({area.low:.2f} to {area.high:.2f})"


def _rate(rate: Rate) -> str:
    return f"{rate.hits} of {rate.n} ({100 * rate.low:.1f} to {100 * rate.high:.1f} %)"
