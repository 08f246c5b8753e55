"""A search over settings that may be broken off at any time: optuna's samplers, on one journal."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import pprint
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from synthmed_jax import checks
from synthmed_jax.errors import Diverged, Unworkable, UserError
from synthmed_jax.files import write_text
from synthmed_jax.results.search import BestTrial, SearchResult, Trial

TARGETS = ("classifier", "diffusion")
GRID_POINTS = 3  # of a range, where a grid is searched
COMPLETE = (TrialState.COMPLETE,)
FINISHED = (*COMPLETE, TrialState.PRUNED)
# Of the study in a journal. Earlier versions called theirs by the target, and judged trials on
# images that generators had learned: such trials are not gone on from.
STUDY = "judged on val"


class Range(NamedTuple):
    """Numbers from low to high; log: evenly in their logarithm."""

    low: float
    high: float
    log: bool = False


# Config field -> its value.
Fields = dict[str, Any]
Values = Range | tuple[Any, ...]
# Config field -> the values that it may take.
Space = Mapping[str, Values]
# (values by config field, report(epoch, loss so far)) -> loss; report ends a trial without hope.
Objective = Callable[[Fields, Callable[[int, float], None]], float]

SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    # Every point is asked for by name: nothing is left to draw. (optuna's own grid would leave out
    # the point at which a search was broken off.)
    "grid": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """What is searched, and for how long.

    Attributes:
      target: one of TARGETS.
      search: how trials are chosen, one of SAMPLERS.
      trials: settings that are tried.
      steps: optimiser steps of a trial's generator.
      per_class: images per class that it draws.
      seed: of the search.
    """

    target: str
    search: str
    trials: int
    steps: int
    per_class: int
    seed: int

    def __post_init__(self) -> None:
        checks.one_of("config.tune.target", self.target, TARGETS)
        checks.one_of("config.tune.search", self.search, SAMPLERS)
        for name, least in {"trials": 1, "steps": 2, "per_class": 10, "seed": 0}.items():
            checks.at_least(f"config.tune.{name}", getattr(self, name), least)


def search(
    settings: SearchSettings,
    space: Space,
    present: Mapping[str, Any],
    objective: Objective,
    folder: pathlib.Path,
) -> optuna.Study:
    """Tries settings until `trials` of them are finished, from where an earlier call stopped.

    A trial is decided by those before it and by the seed alone: a search that was broken off ends
    as an unbroken one. The first trial is the present settings, but for a grid, whose points are
    tried in an order that the seed draws.

    Args:
      present: the fields' present values.
      folder: receives journal.log; one process at a time may search there.

    Raises:
      Unworkable: each of these trials diverged.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _open(folder)
    asked, size = [dict(present)], settings.trials
    if settings.search == "grid":
        asked = _grid(space, settings.seed)
        size = min(len(asked), settings.trials)
        print(f"tune: {size} of the grid's {len(asked)} points", flush=True)
    while (done := _count(study, FINISHED)) < size:
        study.sampler = SAMPLERS[settings.search](settings.seed + done)
        # One that a kill has left waiting comes next; asked for again, it would be tried twice.
        if done < len(asked) and not _count(study, (TrialState.WAITING,)):
            study.enqueue_trial(asked[done])
        study.optimize(lambda trial: _try(trial, space, objective), n_trials=1)
        print(f"tune: {done + 1} of {size}; {_best_so_far(study)}", flush=True)
    if not any(trial.state in COMPLETE for trial in _first(study, size)):
        raise Unworkable(
            f"all {size} trials of the search diverged: raise config.tune.trials, and it goes on; "
            "or change the settings that they have in common, and it begins anew"
        )
    return study


def count_finished(folder: pathlib.Path) -> int:
    """Trials of a search that are finished; nothing is written."""
    journal = folder / "journal.log"
    if not journal.exists():
        return 0
    storage = JournalStorage(JournalFileBackend(str(journal)))
    if STUDY not in optuna.get_all_study_names(storage):
        return 0
    return _count(optuna.load_study(study_name=STUDY, storage=storage), FINISHED)


def describe(
    study: optuna.Study,
    *,
    searched: str,
    arm: str,
    loss: str,
    judged_on: str,
    num_images: int,
    settings: SearchSettings,
) -> SearchResult:
    """The first `settings.trials` finished trials and the best of these.

    An earlier, longer search of one arm must not give it more trials than the others have.

    Args:
      searched, arm, loss, judged_on, num_images: as in `SearchResult`.
    """
    trials = _first(study, settings.trials)
    best = min(
        (trial for trial in trials if trial.state in COMPLETE), key=lambda trial: trial.values
    )
    return SearchResult(
        searched=searched,
        arm=arm,
        loss=loss,
        judged_on=judged_on,
        num_images=num_images,
        seed=settings.seed,
        sampler=settings.search,
        best=BestTrial(best.params, best.values[0]),
        trials=tuple(Trial(t.params, t.value, t.state.name.lower()) for t in trials),
    )


def widened(space: Space, present: Mapping[str, Any]) -> Space:
    """The space with the present values in it.

    Raises:
      UserError: a present value has no place on a field's scale.
    """
    wide: dict[str, Values] = {}
    for field, values in space.items():
        value = present[field]
        if isinstance(values, Range):
            if values.log and value <= 0:
                raise UserError(
                    f"config.{field}={value!r} can't be searched, since its values are tried "
                    "evenly in their logarithm: set it above 0 "
                    f"({values.low:g} to {values.high:g} are tried)"
                )
            low, high = min(values.low, value), max(values.high, value)
            wide[field] = Range(low, high, values.log)
        else:
            wide[field] = values if value in values else (value, *values)
    return wide


def write_config(
    path: pathlib.Path, fields: Mapping[str, object], decided: Mapping[str, object]
) -> None:
    """Writes a config file, for --config, of a run's fields with those that a search has decided.

    Args:
      fields: dotted field -> value, all of them.
      decided: those that a search has decided.
    """
    nested: Fields = {}
    for field, value in (dict(fields) | dict(decided)).items():
        block = nested
        *blocks, name = field.split(".")
        for part in blocks:
            block = block.setdefault(part, {})
        # As the configs in configs/ have it: of a list, nothing can be set by --config.<field>=.
        block[name] = tuple(value) if isinstance(value, list) else value
    listed = "\n".join(f"  {field}: {value!r}" for field, value in decided.items())
    write_text(
        path,
        f'"""A run\'s config; what a search has decided:\n\n{listed}\n"""\n\n'
        "from ml_collections import ConfigDict\n\n\n"
        f"def get_config():\n    return ConfigDict(\n{pprint.pformat(nested, sort_dicts=False)}\n"
        "    )\n",
    )


def _open(folder: pathlib.Path) -> optuna.Study:
    """The study in a folder, however a kill has left it."""
    folder.mkdir(parents=True, exist_ok=True)
    # optuna's lock is a link to the journal, which it must find from wherever it stands.
    journal = folder.absolute() / "journal.log"
    journal.with_name("journal.log.lock").unlink(missing_ok=True)
    if journal.exists():
        # A line that is cut short would be continued by the next one, and neither be read.
        os.truncate(journal, journal.read_bytes().rfind(b"\n") + 1)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=STUDY,
        # Trials are pruned only after so many finished ones, and epochs, that a median says much.
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
        load_if_exists=True,
    )
    for broken in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(broken.number, state=TrialState.FAIL)
    return study


def _first(study: optuna.Study, size: int) -> list[optuna.trial.FrozenTrial]:
    """The first finished trials."""
    return study.get_trials(deepcopy=False, states=FINISHED)[:size]


def _count(study: optuna.Study, states: tuple[TrialState, ...]) -> int:
    return len(study.get_trials(deepcopy=False, states=states))


def _best_so_far(study: optuna.Study) -> str:
    if not _count(study, COMPLETE):
        return "all diverged so far"
    return f"best so far {study.best_value:.4f}, {study.best_params}"


def _try(trial: optuna.Trial, space: Space, objective: Objective) -> float:
    def report(epoch: int, loss: float) -> None:
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    values = {field: _suggest(trial, field, v) for field, v in space.items()}
    try:
        return objective(values, report)
    except Diverged as error:
        # Were it a failure, the search would end here, and every restart try the same again.
        raise optuna.TrialPruned(str(error)) from error


def _suggest(trial: optuna.Trial, field: str, values: Values) -> Any:
    if isinstance(values, Range):
        return trial.suggest_float(field, values.low, values.high, log=values.log)
    return trial.suggest_categorical(field, values)


def _grid(space: Space, seed: int) -> list[Fields]:
    """All points, shuffled: a search of a few of them shall see every value of every field."""
    points = list(itertools.product(*map(_points, space.values())))
    order = np.random.default_rng(seed).permutation(len(points))
    return [dict(zip(space, points[i], strict=True)) for i in order]


def _points(values: Values) -> list[Any]:
    if not isinstance(values, Range):
        return list(values)
    spaced = np.geomspace if values.log else np.linspace
    # Within the range, which rounding may leave.
    points = np.clip(spaced(values.low, values.high, GRID_POINTS), values.low, values.high)
    return [float(point) for point in points]
