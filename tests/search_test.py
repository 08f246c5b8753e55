import importlib.util
import math
import os
import pathlib
import signal
import subprocess
import sys

import optuna
import pytest
from absl import flags
from ml_collections import config_flags
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from configs import all_ddpm
from synthmed_jax import protocol, search, settings
from synthmed_jax.errors import Diverged, UserError
from synthmed_jax.search import Range, SearchSettings

SPACE = {"a.x": Range(1e-4, 1.0, log=True), "a.y": Range(-1.0, 1.0), "b.z": ("p", "q", "r")}
PRESENT = {"a.x": 0.5, "a.y": 0.9, "b.z": "r"}


def make(**changes):
    values = {"target": "classifier", "search": "tpe", "trials": 15, "steps": 2, "per_class": 10}
    return SearchSettings(**values | {"seed": 0} | changes)


def bowl(values, report):
    """Lowest at x = 0.01, y = 0.3, z = q."""
    x, y = math.log10(values["a.x"]) + 2, values["a.y"] - 0.3
    loss = x * x + y * y + {"p": 0.4, "q": 0.0, "r": 0.8}[values["b.z"]]
    for epoch in range(1, 6):
        report(epoch, loss + 1 / epoch)
    return loss


def run(folder, objective=bowl, **changes):
    return search.search(make(**changes), SPACE, PRESENT, objective, folder)


def describe(study, **changes):
    return search.describe(
        study, searched="classifier/tiny", arm="real", loss="any", judged_on="val", num_images=3,
        settings=make(**changes),
    )  # fmt: skip


def test_it_finds_better_settings_than_the_present_ones(tmp_path):
    study = run(tmp_path, trials=40)
    first = study.trials[0]
    assert first.params == PRESENT
    assert study.best_value < 0.2 < first.value
    assert study.best_params["b.z"] == "q"


@pytest.mark.parametrize("sampler", search.SAMPLERS)
def test_broken_off_after_seven_it_ends_as_an_unbroken_one(tmp_path, sampler):
    calls = []

    def killed(values, report):
        calls.append(values)
        if len(calls) == 8:
            report(1, 0.5)  # in the middle of a trial
            raise KeyboardInterrupt
        return bowl(values, report)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", killed, search=sampler)
    resumed = []

    def note(values, report):
        resumed.append(values)
        return bowl(values, report)

    broken = run(tmp_path / "broken", note, search=sampler)
    whole = run(tmp_path / "whole", search=sampler)
    # It goes on at the eighth trial, the one that was cut short.
    assert resumed[0] == calls[7]
    assert len(resumed) == 15 - 7
    assert describe(broken) == describe(whole)


# What a search's process runs within a trial, so that it is killed then or soon after.
DEATHS = {
    "once a trial waits": """
        optuna.Study.ask = lambda *_, **__: die()
    """,
    "with the lock held": """
        from optuna.storages.journal import _file
        _file.JournalFileSymlinkLock.release = lambda _: die()
    """,
    "in the middle of a line": """
        def torn(backend, logs):
            with open(backend._file_path, "a") as file:
                file.write(json.dumps(logs[0])[:-9])
            die()

        JournalFileBackend.append_logs = torn
    """,
    "in a trial": """
        search_test.bowl = lambda values, report: (report(1, 0.5), die())
    """,
}
KILLED = """
import json, os, pathlib, signal, sys, textwrap
import optuna
from optuna.storages.journal import JournalFileBackend

sys.path.insert(0, sys.argv[1])
import search_test

def die():
    os.kill(os.getpid(), signal.SIGKILL)

done = []

def some(values, report):
    if len(done) == int(sys.argv[3]):
        exec(textwrap.dedent(sys.argv[4]), globals())
    done.append(values)
    return search_test.bowl(values, report)

search_test.run(pathlib.Path("broken"), some, search=sys.argv[2])
"""


@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_killed_anywhere_it_ends_as_an_unbroken_one(tmp_path, sampler):
    here = pathlib.Path(__file__).parent
    for trials, death in enumerate(DEATHS.values(), start=1):
        command = [sys.executable, "-c", KILLED, here, sampler, str(trials), death]
        # A relative folder, and a limit on the time: a lock must not be waited for.
        killed = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": here.parent}, timeout=300
        )
        assert killed.returncode == -signal.SIGKILL
    broken = run(tmp_path / "broken", search=sampler)
    assert len(broken.trials) > 15  # some were begun and cut short
    whole = run(tmp_path / "whole", search=sampler)
    assert describe(broken) == describe(whole)


def test_a_finished_search_does_nothing_and_a_longer_one_goes_on(tmp_path):
    run(tmp_path, trials=3)
    more = []
    run(tmp_path, lambda values, report: more.append(values) or 1.0, trials=3)
    assert not more
    run(tmp_path, lambda values, report: more.append(values) or 1.0, trials=5)
    assert len(more) == 2


def test_a_search_that_was_longer_once_counts_as_many_trials_as_the_others(tmp_path):
    longer = run(tmp_path / "longer", trials=20)
    short = run(tmp_path / "short", trials=8)
    assert describe(longer, trials=8) == describe(short, trials=8)
    assert len(describe(longer, trials=8).trials) == 8
    assert describe(longer, trials=20).best.loss < describe(short, trials=8).best.loss


def test_trials_of_an_earlier_version_are_not_gone_on_from(tmp_path):
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    before = optuna.create_study(storage=storage, study_name="classifier")
    before.optimize(lambda trial: trial.suggest_float("a.y", -1, 1), n_trials=3)
    assert search.count_finished(tmp_path) == 0
    assert (
        describe(run(tmp_path, trials=4)).trials == describe(run(tmp_path / "b", trials=4)).trials
    )
    assert search.count_finished(tmp_path) == 4


def test_a_grid_visits_every_point_once(tmp_path):
    seen = []

    def note(values, report):
        seen.append(tuple(values.values()))
        return bowl(values, report)

    run(tmp_path, note, search="grid", trials=100)
    assert len(seen) == len(set(seen)) == 27
    assert sorted({x for x, _, _ in seen}) == pytest.approx([1e-4, 1e-2, 1.0])


def test_a_few_points_of_a_grid_see_every_value(tmp_path, capsys):
    study = run(tmp_path / "a", search="grid", trials=9)
    assert "tune: 9 of the grid's 27 points" in capsys.readouterr().out
    for field in SPACE:
        assert len({trial.params[field] for trial in study.trials}) == 3
    other = run(tmp_path / "b", search="grid", trials=9, seed=1)
    assert [t.params for t in other.trials] != [t.params for t in study.trials]


def test_hopeless_trials_are_cut_short(tmp_path):
    epochs = []

    def bad_after_five(values, report):
        number, loss = len(epochs), 0.1 if len(epochs) < 5 else 9.0
        epochs.append(0)
        for epoch in range(1, 11):
            epochs[number] = epoch
            report(epoch, loss)
        return loss

    study = run(tmp_path, bad_after_five, trials=8)
    assert epochs[:5] == [10] * 5
    assert all(count < 10 for count in epochs[5:])
    assert [row.state for row in describe(study).trials].count("pruned") == 3


def test_a_trial_that_diverges_ends_itself_and_not_the_search(tmp_path):
    tried = []

    def diverges_at_high_x(values, report):
        tried.append(values)
        if values["a.x"] > 0.05:
            raise Diverged("the loss is no longer finite")
        return bowl(values, lambda epoch, loss: None)

    study = run(tmp_path, diverges_at_high_x, trials=15)
    rows = describe(study).trials
    assert (rows[0].state, rows[0].loss) == ("pruned", None)  # the present settings
    assert len(tried) == len(rows) == 15
    assert [row.state == "pruned" for row in rows] == [v["a.x"] > 0.05 for v in tried]
    assert study.best_params["a.x"] <= 0.05


def test_a_search_whose_trials_all_diverge_says_so_and_can_go_on(tmp_path):
    def diverges(values, report):
        raise Diverged("the loss is no longer finite")

    for _ in range(2):
        with pytest.raises(UserError, match=r"all 3 trials .* raise config\.tune\.trials"):
            run(tmp_path, diverges, trials=3)
    assert len(describe(run(tmp_path, trials=5)).trials) == 5


def test_a_value_without_a_logarithm_is_refused_by_name():
    with pytest.raises(UserError, match=r"config\.a\.x=0\.0 can't be searched.* set it above 0"):
        search.widened(SPACE, {**PRESENT, "a.x": 0.0})
    assert search.widened(SPACE, {**PRESENT, "a.y": -3.0})["a.y"] == Range(-3.0, 1.0)


def test_the_best_settings_are_a_config_that_a_run_takes(tmp_path):
    config = all_ddpm.get_config("cpu")
    fields = settings.from_config(protocol.apply(config)).fields
    found = {"classifier.learning_rate": 0.00123, "classifier.flips": "none"}
    search.write_config(tmp_path / "best.py", fields, found)
    spec = importlib.util.spec_from_file_location("best", tmp_path / "best.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    again = settings.from_config(protocol.apply(module.get_config()))
    assert again.fields == fields | found
    assert "classifier.learning_rate: 0.00123" in module.__doc__


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")  # ml_collections'
def test_the_written_config_takes_changes_from_the_command_line(tmp_path, monkeypatch):
    fields = settings.from_config(protocol.apply(all_ddpm.get_config("cpu"))).fields
    search.write_config(tmp_path / "best.py", fields, {"classifier.flips": "none"})
    values = flags.FlagValues()
    config = config_flags.DEFINE_config_file("config", flag_values=values)
    changes = ["classifier.backbones=vgg16,resnet18", "diffusion.train.ema_half_lives=(7,)"]
    argv = ["main.py", f"--config={tmp_path / 'best.py'}", *(f"--config.{c}" for c in changes)]
    monkeypatch.setattr(sys, "argv", argv)
    values(argv)
    made = settings.from_config(protocol.apply(config.value))
    assert made.classifier.backbones == ("vgg16", "resnet18")
    assert made.diffusion.train.ema_half_lives == (7,)
