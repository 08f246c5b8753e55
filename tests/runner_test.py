"""The whole chain at smoke scale, as a user would run it; then again, changed, and broken off.

The networks are the smallest that do; `finished_phantoms` has those of the scale smoke.
"""

import contextlib
import dataclasses
import errno
import importlib
import math
import os
import pathlib
import re
import runpy
import shutil

import jax
import pytest

from synthmed_jax import protocol, runner, search, settings
from synthmed_jax.data import manifest
from synthmed_jax.errors import UserError
from synthmed_jax.files import read_json
from synthmed_jax.results.marker import Marker
from synthmed_jax.stages import STAGES, base, disk, tune, tune_classifier
from synthmed_jax.stages.run import make_run
from synthmed_jax.workdir import Workdir
from tests.reliability import small

FILES = (
    "config.json", "run.json", "split/split.json", "split/inventory.json", "split/leakage.json",
    "split/files.json", "split/section.json", "diffusion/metrics.jsonl",
    "synthetic/manifest.csv", "synthetic/metadata.csv", "synthetic/README.md",
    "evaluate/metrics.json", "evaluate/predictions.csv",
    "audit/fidelity.json", "audit/memorisation.json", "audit/membership.json",
    "audit/section.json", "audit/section_memorisation.json", "audit/section_membership.json",
    "audit/section_release.json",
    "audit/difference.png", "audit/membership.png",
    "evaluate/fidelity.json", "evaluate/floors.json",
    "evaluate/without_duplicates.json",
    "explain/lime.json", "report/index.html", "report/report.md", "report/report.json",
)  # fmt: skip
CHAIN = [stage.name for stage in STAGES if not stage.optional]


def make_config(cache, **changes):
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.cpu_devices = jax.local_device_count()
    config.data.cache_dir = str(cache)
    config.classifier.arms = ("synthetic", "real_augmented", "mixed_1to1")
    config.classifier.backbones = (small.NETWORK,)
    config.explain.images = 1
    config.update_from_flattened_dict(
        small.UNET | {k.replace("__", "."): v for k, v in changes.items()}
    )
    return config


pytestmark = pytest.mark.usefixtures("tiny_network")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache, tiny_network) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp("run")
    runner.run(make_config(cache), workdir)
    return workdir


def contents(workdir):
    skipped = ("run.json",)
    return {
        p.relative_to(workdir).as_posix(): p.read_bytes()
        for p in workdir.rglob("*")
        if p.is_file() and p.name not in skipped
    }


def test_every_file_of_the_contract_is_there(finished):
    for name in FILES:
        assert (finished / name).stat().st_size > 0, name
    run = read_json(finished / "run.json")
    assert list(run["stages"]) == CHAIN
    for name in ("diffusion", "generate", "explain"):
        assert run["stages"][name]["expected_seconds"] > 0
    assert {stage["status"] for stage in run["stages"].values()} == {"finished"}
    assert run["data"]["unreadable"] == []
    metrics = read_json(finished / "evaluate" / "metrics.json")
    arms = {"synthetic", "real_augmented", "mixed_1to1"}
    assert {cell["arm"] for cell in metrics["cells"]} == arms
    assert [declared["estimand"] for declared in metrics["declared"]] == ["D1", "D2"]
    assert metrics["num_test"] == 4 * 32
    assert len(list((finished / "synthetic").rglob("*.png"))) == 4 * 8


def rooms(config, workdir, folder):
    """Each stage of the run in a workdir: bytes that were expected, and those that it takes."""
    made = settings.from_config(protocol.apply(config))
    expected = disk.expected(make_run(made, folder), STAGES)
    files = [path for path in workdir.rglob("*") if path.is_file()]
    for name in (*CHAIN[1:], ""):
        of_stage = workdir / ("synthetic" if name == "generate" else name)
        taken = sum(512 * f.stat().st_blocks for f in files if f.is_relative_to(of_stage))
        stays = sum(room.stays for stage, room in expected.items() if name in ("", stage))
        yield name, stays, taken


def test_a_run_takes_the_room_that_was_expected(finished, cache, tmp_path):
    for name, expected, taken in rooms(make_config(cache), finished, tmp_path / "run"):
        # Of so small a network the weights are not what takes room.
        if name != "classify":
            assert expected == pytest.approx(taken, rel=0.3), name


def test_networks_take_the_room_and_a_time_as_expected(finished_phantoms, phantom_config, tmp_path):
    config = phantom_config(diffusion__train__keep_every=10)
    found = {name: room for name, *room in rooms(config, finished_phantoms, tmp_path / "run")}
    expected, taken = found["classify"]
    assert expected == pytest.approx(taken, rel=0.3)
    stages = read_json(finished_phantoms / "run.json")["stages"]
    assert stages["classify"]["expected_seconds"] > 0


def test_the_report_shows_what_was_measured(finished):
    html = (finished / "report" / "index.html").read_text()
    cell = read_json(finished / "evaluate" / "metrics.json")["cells"][0]
    assert f"{100 * cell['mean']['test_accuracy']:.1f}" in html
    assert not re.search(r"(src|href)=\"(?!data:|#|https?://[^\"]*\")", html)


def test_a_second_run_does_no_work_and_says_so(finished, cache, capsys):
    before = contents(finished)
    runner.run(make_config(cache), finished)
    assert capsys.readouterr().out.count("finished, nothing to do") == len(CHAIN)
    assert contents(finished) == before


@pytest.mark.parametrize("gone", ["report", "evaluate/metrics.json", "report/report.json"])
def test_what_a_command_was_not_asked_about_does_not_end_it(
    finished, cache, tmp_path, capsys, gone
):
    workdir = shutil.copytree(finished, tmp_path / "run")
    if gone.endswith("report.json"):
        (workdir / gone).write_text('{"cut sho')
    else:
        base.remove(workdir / gone)
    runner.run(make_config(cache), workdir, ["split", "generate"])
    assert capsys.readouterr().out.count("finished, nothing to do") == 2
    runner.run(make_config(cache), workdir, dry_run=True)


def test_another_run_that_has_ended_since_is_not_built_on(finished, cache, tmp_path, monkeypatch):
    """Its marker came after this run had looked, and before it was alone."""
    workdir = shutil.copytree(finished, tmp_path / "run")
    marker, lock = workdir / "stages" / "split.json", Workdir.lock
    other = Marker.read(marker)
    other = dataclasses.replace(other, fields=other.fields | {"split.seed": 1})

    @contextlib.contextmanager
    def late(self):
        with lock(self):
            other.write(marker)
            yield

    monkeypatch.setattr(Workdir, "lock", late)
    with pytest.raises(UserError, match=r"split\.seed = 1, now it is 0"):
        runner.run(make_config(cache), workdir)


def test_a_changed_field_is_refused_and_nothing_is_lost(finished, cache):
    before = contents(finished)
    with pytest.raises(UserError, match=r"'diffusion'.*train\.learning_rate = 0\.001"):
        runner.run(make_config(cache, diffusion__train__learning_rate=0.5), finished)
    with pytest.raises(UserError, match=r"'split'.*split\.seed = 0, now it is 1"):
        runner.run(make_config(cache, split__seed=1), finished)
    assert contents(finished) == before


def test_what_changes_no_result_is_not_refused(finished, cache, capsys):
    runner.run(make_config(cache, diffusion__train__save_minutes=1.0), finished)
    assert capsys.readouterr().out.count("nothing to do") == len(CHAIN)


def test_more_images_add_a_cell_and_redo_nothing(finished, cache, monkeypatch):
    monkeypatch.setattr(runner, "_is_long", lambda *_: False)  # not what this is about
    to_explanations = [name for name in CHAIN if name not in ("audit", "card", "report")]
    before = contents(finished)
    runner.run(make_config(cache, generate__per_class=12), finished, to_explanations)
    after = contents(finished)
    for name, content in before.items():
        if name.startswith(("diffusion/", "classify/", "split/")) or name.endswith(".png"):
            if name.startswith(("audit/", "explain/", "report/")):
                continue
            assert after[name] == content, name
    assert any("/synthetic/12-inf-s0/" in name for name in after)
    assert len([name for name in after if name.startswith("synthetic/") and ".png" in name]) == 48
    # What was there before is shown again when it is asked for again.
    runner.run(make_config(cache), finished, to_explanations)
    again = contents(finished)
    for name in ("evaluate/metrics.json", "evaluate/fidelity.json", "explain/lime.json"):
        assert after[name] != before[name] == again[name], name
    rows = manifest.read_manifest(finished / "synthetic")
    assert [row.used for row in rows] == [row.index < 8 for row in rows]
    assert len(rows) == 48


@pytest.mark.parametrize("target", search.TARGETS)
def test_a_search_leaves_a_config_that_a_run_takes(finished, cache, target):
    before = contents(finished)
    trials = 2 if target == "classifier" else 1
    config = make_config(cache, tune__target=target, tune__trials=trials, generate__per_class=8)
    config.classifier.arms = ("synthetic",)
    runner.run(config, finished, ["tune"])
    searched = {"classifier": "classifier/tiny", "diffusion": "diffusion"}[target]
    arm = "synthetic" if target == "classifier" else ""
    folder = finished / "tune" / searched / arm
    found = read_json(folder / "search.json")
    assert (found["searched"], found["arm"], found["judged_on"]) == (searched, arm, "val")
    assert "no test" in found["loss"]
    assert [row["state"] for row in found["trials"]] == ["complete"] * trials
    assert found["best"]["loss"] == min(row["loss"] for row in found["trials"])
    assert found["num_images"] == 4  # val: a tenth of 20 % of 4 x 40
    best = runpy.run_path(str(folder / "best.py"))["get_config"]()
    for field, value in found["best"]["fields"].items():
        assert dict(settings.from_config(protocol.apply(best)).fields)[field] == value
    after = contents(finished)
    own = ("tune/", "stages/tune", "config.json")
    assert all(after[n] == content for n, content in before.items() if not n.startswith(own))


@pytest.fixture
def generated(finished, tmp_path) -> pathlib.Path:
    """A workdir that has its synthetic images, and nothing after them."""
    for name in ("split", "diffusion", "synthetic", "stages"):
        shutil.copytree(finished / name, tmp_path / "run" / name)
    for marker in (tmp_path / "run" / "stages").iterdir():
        if marker.stem not in ("split", "diffusion", "generate"):
            marker.unlink()
    return tmp_path / "run"


def near_a_rate(programs, training, learned, real, report, augmentation):
    """In the place of a training: the loss is lowest at a rate that no config has."""
    return abs(math.log(training.learning_rate / 2e-3))


def test_the_best_settings_of_a_search_are_run_where_they_were_found(generated, cache, monkeypatch):
    monkeypatch.setattr(tune_classifier, "loss_on_real", near_a_rate)
    monkeypatch.setattr(runner, "_is_long", lambda *_: False)  # timing VGG-16 takes minutes
    changes = {"generate__per_class": 8, "tune__trials": 6}
    runner.run(make_config(cache, **changes), generated, ["tune"])
    best = runpy.run_path(str(generated / "tune/classifier/tiny/synthetic/best.py"))
    best = best["get_config"]()
    assert best.classifier.learning_rate != make_config(cache).classifier.learning_rate
    best.classifier.arms = ("synthetic",)
    runner.run(best, generated, ["classify"])
    marker = read_json(generated / "stages" / "classify.json")
    assert marker["status"] == "finished"
    assert marker["fields"]["classifier.learning_rate"] == best.classifier.learning_rate
    # Another network, or another way to watch the training, is another search or none.
    changes |= {"classifier__backbones": ("vgg16",), "diffusion__train__log_every": 7}
    runner.run(make_config(cache, **changes), generated, ["tune"])
    assert {p.name for p in (generated / "tune/classifier").iterdir()} == {"tiny", "vgg16"}


def test_a_search_refuses_images_of_other_settings_than_the_runs(generated, cache):
    with pytest.raises(UserError, match=r"'generate'.*generate\.steps = 10, now it is 9"):
        runner.run(make_config(cache, generate__steps=9), generated, ["tune"])
    (generated / "stages" / "generate.json").unlink()
    with pytest.raises(UserError, match="'tune' needs 'generate'"):
        runner.run(make_config(cache), generated, ["tune"])


def test_what_a_search_finds_is_kept_from_the_papers_protocol(generated, cache, monkeypatch):
    def smooth(programs, training, learned, real, report, augmentation):
        return -training.label_smoothing

    monkeypatch.setattr(tune_classifier, "loss_on_real", smooth)
    monkeypatch.setattr(protocol, "PAPER", {"classifier.label_smoothing": 0.0})
    changes = {"protocol": "paper", "generate__per_class": 8, "tune__trials": 3}
    made = settings.from_config(protocol.apply(make_config(cache, **changes)))
    tune.STAGE.run(make_run(made, generated))
    best = runpy.run_path(str(generated / "tune/classifier/tiny/synthetic/best.py"))
    best = best["get_config"]()
    assert protocol.apply(best).classifier.label_smoothing > 0


def test_a_dry_run_says_how_long_and_writes_nothing(tmp_path, phantom_config, capsys):
    runner.run(phantom_config(), tmp_path / "run", dry_run=True)
    said = capsys.readouterr().out
    took = r"diffusion \d+ s, generate \d+ s, audit \d+ s, classify \d+ s, explain \d+ s; in all"
    assert re.search(rf"expected .*: {took}", said)
    takes = (
        r"diffusion \S+ MiB, generate \d+ KiB, audit \d+ KiB, classify \d+ MiB, "
        r"evaluate \d+ KiB, explain .*"
    )
    assert re.search(rf"expected on this disk: {takes}; in all \d+ MiB.* \(free: .*\); cache", said)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_expects_the_stages_that_are_named(tmp_path, cache, capsys):
    config = make_config(cache, tune__target="diffusion")
    runner.run(config, tmp_path / "run", ["features", "sweep", "tune"], dry_run=True)
    said = capsys.readouterr().out
    assert re.search(r"expected .*: features \d+ s, sweep \d+ s, tune \d+ s; in all", said)
    assert not (tmp_path / "run").exists()


def test_checked_data_are_said_and_drawn_and_nothing_else_is_done(tmp_path, cache, capsys):
    runner.run(make_config(cache), tmp_path / "run", check_data=True)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("class")
    assert [line.split()[0] for line in said[1:5]] == [
        *("glioma", "meningioma", "notumor", "pituitary")
    ]
    drawn = [tmp_path / "run" / "check_data" / f"class{number}.png" for number in (1, 2, 3, 4)]
    names = ("glioma", "meningioma", "notumor", "pituitary")
    assert said[-4:] == [
        f"contact sheet of class {name}: {path}" for name, path in zip(names, drawn, strict=True)
    ]
    files = {path for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert files == {*drawn, *(path.with_suffix(".txt") for path in drawn)}


@pytest.mark.parametrize("what", ["dry_run", "check_data"])
def test_nothing_is_taken_over_where_nothing_is_to_be_written(tmp_path, cache, what):
    with pytest.raises(UserError, match="--from writes into the workdir"):
        runner.run(make_config(cache), tmp_path / "run", source=tmp_path, **{what: True})
    assert not (tmp_path / "run").exists()


def test_checked_data_that_a_run_refuses_are_said_to_be(tmp_path, cache, capsys):
    config = make_config(cache, split__val_fraction=0.0)
    runner.run(config, tmp_path / "run", check_data=True)
    warning = capsys.readouterr().out.splitlines()[-1]
    assert warning.startswith("warning: a run would be refused before stage 'classify': ")
    with pytest.raises(UserError) as error:
        runner.run(config, tmp_path / "run")
    assert warning.endswith(str(error.value))
    said = capsys.readouterr().out
    assert said.startswith("class")  # the table comes before the refusal
    assert not (tmp_path / "run" / "split").exists()


def test_data_of_a_finished_run_can_be_checked(finished, cache, capsys):
    before = contents(finished)
    runner.run(make_config(cache), finished, check_data=True)
    assert "nothing to do" not in capsys.readouterr().out
    after = contents(finished)
    assert {name: after[name] for name in before} == before
    shutil.rmtree(finished / "check_data")


def test_nothing_is_left_to_expect_of_a_finished_run(finished, cache, capsys):
    before = contents(finished)
    runner.run(make_config(cache), finished, dry_run=True)
    said = capsys.readouterr().out
    assert "in all 0 s" in said
    assert "expected on this disk: nothing; in all 0 KiB (free: " in said
    assert contents(finished) == before


def test_what_is_explained_is_not_asked_before_it_is_known(generated, cache):
    with pytest.raises(UserError, match="'explain' needs 'evaluate'"):
        runner.run(make_config(cache), generated, ["explain"])


def test_arms_that_can_not_be_made_are_refused_before_they_bind_the_workdir(generated, cache):
    config = make_config(cache, classifier__arms=("synthetic", "mixed_1to4"))
    with pytest.raises(UserError, match=r"mixed_1to4 takes 28 synthetic images of glioma, and 8"):
        runner.run(config, generated, ["classify"])
    assert not (generated / "stages" / "classify.json").exists()


def test_one_model_a_class_runs_to_its_images(tmp_path, cache):
    config = make_config(cache, diffusion__conditioning="per_class")
    runner.run(config, tmp_path, ["split", "diffusion", "generate"])
    rows = manifest.read_manifest(tmp_path / "synthetic")
    assert len({row.checkpoint for row in rows}) == 4
    assert {p.parent.name for p in (tmp_path / "diffusion").glob("*/best.json")} == {
        row.class_name for row in rows
    }


def test_a_sweep_compares_samplers_on_the_trained_model(tmp_path, cache, capsys):
    config = make_config(cache, data__phantom_images=90)
    runner.run(config, tmp_path, ["split", "features", "diffusion", "sweep"])
    found = read_json(tmp_path / "sweep" / "sweep.json")
    assert (found["num_real"], found["num_synthetic"]) == (8, 80)  # val alone
    assert [row["sampler"] for row in found["rows"]] == ["ddpm_beta", "dpm_solver_pp"]
    assert found["rows"][0]["difference"] == 0
    assert "| dpm_solver_pp | 5 | 5 |" in capsys.readouterr().out
    assert (tmp_path / "sweep" / "sweep.png").stat().st_size > 1000
    # A sweep that is done is in no other stage's way: its choice can be taken.
    chosen = make_config(cache, data__phantom_images=90, generate__guidance=2.0)
    runner.run(chosen, tmp_path, ["split"])


@pytest.mark.parametrize("stage", ["sweep", "tune"])
def test_choices_without_real_images_to_choose_on_say_so(tmp_path, cache, stage):
    config = make_config(cache, split__val_fraction=0.0)
    with pytest.raises(UserError, match=r"val .*set --config\.protocol=own"):
        runner.run(config, tmp_path, [stage], dry_run=True)


@pytest.mark.parametrize("stage", CHAIN)
def test_a_disk_that_is_full_in_any_stage_is_one_sentence(generated, cache, monkeypatch, stage):
    """What is at work is replaced: a full disk is tried by hand."""

    def full(run):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(run.workdir.root / "new"))

    alone = dataclasses.replace(
        next(each for each in STAGES if each.name == stage), run=full, inputs=(), check=full,
        expect=None, inputs_if=lambda run: (),
    )  # fmt: skip
    (generated / "stages" / f"{stage}.json").unlink(missing_ok=True)
    said = rf"^no room left on the device of {generated}/new; nothing that was saved is lost"
    for broken in (alone, dataclasses.replace(alone, check=lambda run: None)):
        monkeypatch.setattr(runner, "STAGES", (broken,))
        with pytest.raises(UserError, match=said):
            runner.run(make_config(cache), str(generated), [stage])


def test_a_stage_without_its_input_says_which(tmp_path, cache):
    with pytest.raises(UserError, match="'generate' needs 'diffusion'"):
        runner.run(make_config(cache), tmp_path, ["generate"])


def test_an_unknown_stage_lists_the_choices(tmp_path, cache):
    with pytest.raises(UserError, match="split, features, diffusion"):
        runner.run(make_config(cache), tmp_path, ["genrate"])


def test_missing_data_stops_the_run(tmp_path, cache):
    config = importlib.import_module("configs.all_ddpm").get_config("smoke")
    config.cpu_devices = jax.local_device_count()
    config.data.cache_dir = str(cache)
    config.data.dir = str(tmp_path)
    with pytest.raises(UserError, match="kaggle"):
        runner.run(config, tmp_path / "run")
