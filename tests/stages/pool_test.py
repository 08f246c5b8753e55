import importlib
import shutil
from unittest import mock

import pytest

from synthmed_jax import runner
from synthmed_jax.data import held_out
from synthmed_jax.errors import Damaged, UserError
from synthmed_jax.evaluation import records, replicates
from synthmed_jax.results.pool import Pool
from synthmed_jax.stages import base, pool
from synthmed_jax.workdir import Workdir
from tests.finished_runs import write_run


@pytest.fixture
def runs(tmp_path):
    return [write_run(tmp_path / f"s{seed}", seed) for seed in range(4)]


@pytest.fixture
def make_pool(make_run):
    def make(folders, **changes):
        return make_run(pool__workdirs=",".join(map(str, folders)), **changes)

    return make


def test_finished_runs_become_numbers_a_picture_and_a_page(tmp_path, runs, capsys, monkeypatch):
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.data.cache_dir = str(tmp_path / "cache")
    config.data.name, config.data.dir = "folder", str(tmp_path / "images on another machine")
    config.pool.workdirs = ",".join(map(str, runs))
    workdir = tmp_path / "pooled"
    read = mock.Mock(wraps=replicates.replicate_of)
    monkeypatch.setattr(replicates, "replicate_of", read)
    runner.run(config, workdir, ["pool"])
    assert read.call_count == len(runs)  # each once, to be checked and to be put together
    said = capsys.readouterr().out
    assert "D1: " in said
    assert f"pool: {workdir / 'pool' / 'index.html'}" in said
    found = Pool.read(workdir / "pool" / "pool.json")
    assert [run.seed for run in found.runs if not run.is_development] == [1, 2, 3]
    assert found.differences[0].pooled.num_seeds == 3
    assert found.differences[0].unit == "group"
    page = (workdir / "pool" / "index.html").read_text()
    assert "data:image/png;base64," in page
    assert {path.name for path in (workdir / "pool").iterdir()} == {
        "pool.json", "forest.png", "index.html", "section.json",
    }  # fmt: skip
    runner.run(config, workdir, ["pool"])
    assert "pool: finished, nothing to do" in capsys.readouterr().out


def test_records_say_what_their_workdirs_say(runs, make_pool):
    by_workdirs = make_pool(runs)
    pool.STAGE.run(by_workdirs)
    expected = Pool.read(by_workdirs.workdir.pool / "pool.json")
    paths = []
    for root in runs:
        groups = held_out.read_test_groups(Workdir(root).split)
        paths.append(root.with_suffix(".json"))
        records.read_record(root, groups).write(paths[-1])
        shutil.rmtree(root)
    by_records = make_pool(paths)
    assert not base.is_finished(by_records, pool.STAGE)
    pool.STAGE.run(by_records)
    found = Pool.read(by_records.workdir.pool / "pool.json")
    assert found.differences == expected.differences
    assert found.curve == expected.curve
    assert [run.workdir for run in found.runs] == [str(path) for path in paths]
    text = paths[1].read_text()
    paths[1].write_text(text.replace('"labels": "0', '"labels": "1'))
    with pytest.raises(
        Damaged, match=r"s1\.json is damaged: its content is not what its seal says"
    ):
        pool.STAGE.check(make_pool(paths))


def test_more_runs_or_other_results_are_put_together_anew(runs, make_pool, tmp_path):
    run = make_pool(runs[:3])
    pool.STAGE.run(run)
    base.mark(run, pool.STAGE, "finished")
    assert base.is_finished(run, pool.STAGE)
    more = make_pool(runs)
    assert not base.is_finished(more, pool.STAGE)
    base.check_marker(more, pool.STAGE)  # which takes the same workdir
    assert not base.is_finished(make_pool(runs[:3], pool__development_seeds=""), pool.STAGE)
    shutil.rmtree(runs[2])
    write_run(runs[2], 2, right={"synthetic": 0.5})
    assert not base.is_finished(run, pool.STAGE)


@pytest.mark.parametrize("number", [0, 1])
def test_one_workdir_is_not_enough(runs, make_pool, number):
    with pytest.raises(UserError, match=r"must name two .*--config\.pool\.workdirs=/runs/s0,"):
        pool.STAGE.check(make_pool(runs[:number]))


def test_what_is_not_finished_is_refused_before_any_work(runs, make_pool, tmp_path):
    write_run(tmp_path / "s9", 9, unfinished="classify")
    with pytest.raises(UserError, match=r"stage 'classify' of .*s9 is started, not finished"):
        pool.STAGE.check(make_pool([*runs, tmp_path / "s9"]))


@pytest.mark.parametrize("file", ["split/split.json", "evaluate/predictions.csv"])
def test_a_file_that_is_gone_is_named(runs, make_pool, file):
    (runs[1] / file).unlink()
    with pytest.raises(Damaged, match=rf"s1/{file} is gone: give the command of that run again"):
        pool.STAGE.check(make_pool(runs))
